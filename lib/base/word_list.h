#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace authmilter {

/// Calls `take` with each word of a text that has blanks between them.
template <class Take>
void for_each_word(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

inline bool has_word(std::string_view text, std::string_view word) {
  bool found = false;
  for_each_word(text, [&](std::string_view one) { found = found || one == word; });
  return found;
}

}  // namespace authmilter
