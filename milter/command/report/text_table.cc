#include "report/text_table.h"

#include <algorithm>

#include <authmilter/report_text.h>

namespace authmilter::tools {
namespace {

/// Characters of UTF-8.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(width(column.name));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string blanks(widths[i] - width(cells[i]), ' ');
      line += "  ";
      line += columns_[i].right ? blanks + cells[i] : cells[i] + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  std::vector<std::string> names;
  for (const Column& column : columns_) names.emplace_back(column.name);
  add(names);
  for (const auto& row : rows_) add(row);
  return text;
}

std::string share(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? "-" : percent_text(part, all);
}

}  // namespace authmilter::tools
