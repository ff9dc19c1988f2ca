#include "policy/stable_reason.h"

#include <algorithm>

#include "base/ascii.h"

namespace authmilter {

std::string stable_reason(std::string_view reason) {
  constexpr std::size_t kWordsOctets = 64;
  const auto end = std::find_if_not(reason.begin(), reason.end(),
                                    [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
  if (end != reason.end() && *end != ' ' && *end != '[' && *end != '(') return "";
  const auto words = reason.substr(0, static_cast<std::size_t>(end - reason.begin()));
  return words.size() > kWordsOctets ? "" : std::string(words);
}

}  // namespace authmilter
