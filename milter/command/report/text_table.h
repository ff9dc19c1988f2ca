#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace authmilter::tools {

/// Lines of columns for a terminal, as wide as what is in them: the first to the left, numbers to
/// the right. What is given is printable already.
class TextTable {
 public:
  struct Column {
    const char* name;
    bool right = true;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  /// Each line begins with two blanks.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// percent_text() of a cell; "-" without messages.
std::string share(std::uint64_t part, std::uint64_t all);

}  // namespace authmilter::tools
