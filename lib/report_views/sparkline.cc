#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <authmilter/report_view.h>

namespace authmilter {
namespace {

constexpr std::array<std::string_view, 9> kBlocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 9> kAscii = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};

}  // namespace

std::string sparkline(const TallyDays& days, ReportDay first, ReportDay last, std::size_t columns,
                      Glyphs glyphs) {
  if (last < first || columns == 0) return {};
  const auto span = static_cast<std::size_t>(static_cast<std::int64_t>(last) - first) + 1;
  columns = std::min(columns, span);
  std::vector<std::uint64_t> heights(columns, 0);
  for (const auto& [day, tally] : days) {
    if (day < first || day > last) continue;
    const auto at = static_cast<std::size_t>(static_cast<std::int64_t>(day) - first);
    heights[at * columns / span] += tally.messages;
  }
  const std::uint64_t most = *std::max_element(heights.begin(), heights.end());
  const auto& table = glyphs == Glyphs::blocks ? kBlocks : kAscii;
  std::string line;
  for (const std::uint64_t height : heights) {
    // What is there is seen: only nothing is a blank.
    const double share = most == 0 ? 0 : static_cast<double>(height) / static_cast<double>(most);
    const auto steps = static_cast<std::size_t>(share * 8 + 0.5);
    line += table.at(height == 0 ? 0 : std::clamp<std::size_t>(steps, 1, 8));
  }
  return line;
}

}  // namespace authmilter
