#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter {

/// What a row is found by within a day: the number of its kind, and its source in octets.
struct PackedKey {
  std::int64_t kind = 0;
  std::string source;  // 4 or 16
  auto operator<=>(const PackedKey&) const = default;
};
using PackedRows = std::map<PackedKey, std::uint64_t>;

/// Rows as octets, in parts of some size each: a row of a table costs about 27, of which most say
/// the same as the one before. Kinds ascend, and so do the addresses of each; what is written is
/// how they differ from the one before.
std::vector<std::string> pack(const PackedRows& rows);

/// Calls `take` for each row of a part. False when it is not one.
bool unpack(std::string_view part,
            const std::function<void(PackedKey&& key, std::uint64_t messages)>& take);

}  // namespace authmilter
