#include "keys/key_template.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include <authmilter/domain_name.h>
#include <authmilter/signing_tables.h>

namespace authmilter {
namespace {

namespace fs = std::filesystem;

/// The domain in a file's name that reads `before`DOMAIN`after`; the name as it stands, since a
/// look-up finds it by that.
std::optional<std::string> domain_in(std::string_view name, std::string_view before,
                                     std::string_view after) {
  if (name.size() <= before.size() + after.size() || !name.starts_with(before) ||
      !name.ends_with(after)) {
    return std::nullopt;
  }
  name = name.substr(before.size(), name.size() - before.size() - after.size());
  const auto domain = DomainName::parse(name);
  return domain && domain->text() == name ? std::optional(domain->text()) : std::nullopt;
}

}  // namespace

std::vector<std::string> files_of_template(std::string_view path) {
  std::vector<std::string> files;
  const std::size_t mark = path.find('%');
  if (mark == std::string_view::npos) return {std::string(path)};
  const std::size_t start = path.rfind('/', mark) + 1;
  const std::size_t end = std::min(path.find('/', mark), path.size());
  const std::string_view before = path.substr(start, mark - start);
  const std::string_view after = path.substr(mark + 1, end - mark - 1);

  std::error_code error;
  fs::directory_iterator entries(fs::path(path.substr(0, start)), error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    const auto domain = domain_in(name, before, after);
    if (!domain) continue;
    std::string file = SigningTables::with_domain(path, *domain);
    std::error_code missing;
    if (end == path.size() || fs::exists(file, missing)) files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace authmilter
