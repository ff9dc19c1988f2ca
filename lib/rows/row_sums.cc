#include <authmilter/report_row.h>

#include <utility>

#include <fmt/format.h>

#include "rows/row_text.h"

namespace authmilter {

std::string RowSums::key_of(const ReportRow& row) {
  std::string key = kind_text(row);
  fmt::format_to(std::back_inserter(key), "\n{}\n{}", row.day, row.record.source_ip.text());
  if (row.policy) {
    key += '\n';
    key += row.policy->published.domain.text();
    key += '\n';
    key += policy_text(*row.policy);
  }
  return key;
}

bool RowSums::add(const std::string& key, ReportRow&& row, std::size_t most) {
  const std::uint64_t count = row.record.count;
  if (const auto found = rows_.find(key); found != rows_.end()) {
    found->second.record.count += count;
  } else if (rows_.size() < most) {
    rows_.emplace(key, std::move(row));
  } else {
    return false;
  }
  messages_ += count;
  return true;
}

std::vector<ReportRow> RowSums::take() {
  std::vector<ReportRow> rows;
  rows.reserve(rows_.size());
  for (auto& [key, row] : rows_) rows.push_back(std::move(row));
  rows_.clear();
  messages_ = 0;
  return rows;
}

}  // namespace authmilter
