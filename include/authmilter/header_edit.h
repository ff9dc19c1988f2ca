#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace authmilter {

/// A change to the header. Indexes count as the milter protocol counts: for remove and replace the
/// 1-based ordinal among fields of that name as received, for insert the position from the top, 0
/// first.
struct HeaderEdit {
  enum class Action : std::uint8_t { insert, replace, remove };
  Action action;
  std::size_t index;
  std::string name;
  std::string value;  // without the leading blank, folded with "\n\t"; empty for remove
  bool operator==(const HeaderEdit&) const = default;
};
std::string_view to_string(HeaderEdit::Action action);

}  // namespace authmilter
