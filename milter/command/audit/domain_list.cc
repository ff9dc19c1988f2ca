#include "audit/domain_list.h"

#include <filesystem>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "output/output.h"

namespace authmilter::tools {

std::string_view name_in(std::string_view line) {
  line = line.substr(0, line.find('#'));
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

Result<DomainList> DomainList::open(const std::vector<std::string>& first,
                                    const std::string& file) {
  DomainList list;
  for (const std::string& text : first) list.first_.push_back(DomainName::parse(text).value());
  list.size_ = list.first_.size();
  if (file.empty()) return list;
  // It is read twice, so that a mistake in its last line is told before anybody is asked.
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored))
    return Error{file + ": is not a regular file"};
  list.file_.open(file);
  if (!list.file_) return Error{file + ": cannot be read"};
  std::string line;
  for (std::size_t number = 1; std::getline(list.file_, line); ++number) {
    const std::string_view name = name_in(line);
    if (name.empty()) continue;
    if (!DomainName::parse(name))
      return Error{fmt::format("{}:{}: \"{}\" is not a domain name", file, number,
                               printable(name.substr(0, 100)))};
    ++list.size_;
  }
  list.file_.clear();
  list.file_.seekg(0);
  return list;
}

std::optional<DomainName> DomainList::next() {
  if (taken_ < first_.size()) return first_[taken_++];
  std::string line;
  while (std::getline(file_, line)) {
    const std::string_view name = name_in(line);
    if (!name.empty()) return DomainName::parse(name);
  }
  return std::nullopt;
}

}  // namespace authmilter::tools
