#include <algorithm>
#include <numeric>

#include "base/ascii.h"
#include "config/options.h"

namespace authmilter {
namespace {

constexpr std::size_t kKeyOctets = 64;  // a longer key is no slip of any of ours

/// How many letters must be added, dropped or changed to make one word of the other, or two
/// neighbours swapped (the optimal string alignment distance).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::vector<std::size_t> next(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, changed});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
    }
    std::swap(before, row);
    std::swap(row, next);
  }
  return row.back();
}

/// The table that has the key, for one that was put into another.
std::string_view home_of(std::string_view key) {
  for (const Section& section : sections()) {
    for (const auto& option : section.options) {
      if (option.key == key) return section.name;
    }
  }
  return "";
}

}  // namespace

std::string_view nearest(std::string_view key, const std::vector<std::string_view>& known) {
  if (key.size() > kKeyOctets) return "";
  std::string_view best;
  std::size_t least = key.size() / 3 + 1;  // a third of the letters may be wrong
  for (const std::string_view candidate : known) {
    const std::size_t apart = distance(to_lower(key), candidate);
    if (apart >= least) continue;
    least = apart;
    best = candidate;
  }
  return best;
}

void refuse_unknown(Reader& reader, const Value& value, std::string_view table,
                    const std::vector<std::string_view>& known) {
  const bool section = table.empty() && value.kind == ValueKind::table;
  const std::string key = printable(value.key);
  std::string message =
      section ? fmt::format("unknown table [{}]", key) : fmt::format("unknown key \"{}\"", key);
  if (!table.empty()) message += fmt::format(" in [{}]", table);
  const auto near = nearest(value.key, known);
  const auto home = home_of(value.key);
  if (!near.empty() && section) {
    message += fmt::format(", did you mean [{}]?", near);
  } else if (!near.empty() && !table.empty()) {
    message += fmt::format(", did you mean \"{}\"?", near);
  } else if (!home.empty()) {
    message += fmt::format(", it belongs in [{}]", home);
  }
  reader.refuse(value.key_place, message);
}

}  // namespace authmilter
