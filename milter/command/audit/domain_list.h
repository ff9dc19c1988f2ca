#pragma once

#include <cstddef>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/result.h>

namespace authmilter::tools {

/// What a line of a list of domains names: without the remark behind "#", and the blanks.
std::string_view name_in(std::string_view line);

/// The domains of a survey one after the other: those of the command line, then those of a file, a
/// line each, of which no more than one is in memory. What stands twice comes twice.
class DomainList {
 public:
  /// `file` may be empty. Counts the domains; the error names the line that is none.
  static Result<DomainList> open(const std::vector<std::string>& first, const std::string& file);

  std::size_t size() const { return size_; }
  /// Nothing at the end, and where the file has become another one meanwhile.
  std::optional<DomainName> next();

 private:
  DomainList() = default;

  std::vector<DomainName> first_;
  std::size_t taken_ = 0;  // of them
  std::ifstream file_;
  std::size_t size_ = 0;
};

}  // namespace authmilter::tools
