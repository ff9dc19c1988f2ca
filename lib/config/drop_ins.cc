#include "config/drop_ins.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/file.h"
#include "base/file_version.h"
#include "base/parallel.h"
#include "config/options.h"
#include "config/paths.h"

namespace authmilter {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDropInOctets = 64U << 20U;  // as the main file
constexpr std::string_view kNameEnd = ".toml";

/// The names of the files to be read, sorted.
Result<std::vector<std::string>> names_in(const fs::path& directory) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  std::vector<std::string> names;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::string name = entries->path().filename().string();
    if (!name.starts_with('.') && name.ends_with(kNameEnd)) names.push_back(std::move(name));
  }
  if (error)
    return Error{
        fmt::format("{}: cannot read signing.directory: {}", directory.string(), error.message())};
  std::sort(names.begin(), names.end());
  return names;
}

/// What a drop-in may hold is less than the main file: whoever may write to the directory decides
/// about keys, and about nothing else.
void read_tables(Reader& reader, const Value& root, Config& config) {
  constexpr std::string_view kOnly = "a file of signing.directory holds [[signing.domain]] only";
  for (const Value& section : root.children) {
    if (section.key != "signing") {
      reader.refuse(section.key_place, std::string(kOnly));
      continue;
    }
    if (!reader.expect(section, ValueKind::table)) continue;
    for (const Value& value : section.children) {
      if (value.key == "domain")
        read_signing_domains(reader, value, config);
      else
        reader.refuse(value.key_place, std::string(kOnly));
    }
  }
}

Result<std::vector<SigningDomainConfig>> domains_in(std::string_view text,
                                                    const std::string& name) {
  const auto document = parse_document(text, name);
  if (!document) return document.error();
  Config config;
  Reader reader(name);
  read_tables(reader, *document, config);
  if (reader.error()) return *reader.error();
  return std::move(config.signing.domains);
}

/// Nothing when it is not a regular file.
Result<std::shared_ptr<const SigningDropIn>> read_drop_in(const fs::path& path) {
  const auto cannot = [&](const std::string& why) {
    return Error{fmt::format("{}: cannot read: {}", path.string(), why)};
  };
  // A FIFO cannot make us wait.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.open()) return cannot(error_text(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return cannot(error_text(errno));
  if (!S_ISREG(status.st_mode)) return std::shared_ptr<const SigningDropIn>();
  const auto seen = version_of(file.get());
  if (!seen) return cannot(seen.error().message);
  const auto text = read_file(file.get(), kDropInOctets);
  if (!text) return cannot(text.error().message);
  auto domains = domains_in(*text, path.string());
  if (!domains) return domains.error();
  for (SigningDomainConfig& domain : *domains) make_absolute(domain, path.parent_path());
  auto drop_in = std::make_shared<SigningDropIn>();
  drop_in->file = domains->empty() ? std::make_shared<const std::string>(path.string())
                                   : domains->front().place.file;
  drop_in->version = seen->version;
  drop_in->settled = seen->settled;
  drop_in->domains = std::move(*domains);
  return std::shared_ptr<const SigningDropIn>(std::move(drop_in));
}

}  // namespace

Result<std::vector<std::shared_ptr<const SigningDropIn>>> read_drop_ins(const fs::path& directory) {
  const auto names = names_in(directory);
  if (!names) return names.error();
  std::vector<std::optional<Result<std::shared_ptr<const SigningDropIn>>>> read(names->size());
  for_each_in_parallel(names->size(),
                       [&](std::size_t i) { read[i] = read_drop_in(directory / (*names)[i]); });
  std::vector<std::shared_ptr<const SigningDropIn>> drop_ins;
  drop_ins.reserve(read.size());
  for (auto& one : read) {
    if (!*one) return one->error();
    if (**one != nullptr) drop_ins.push_back(std::move(**one));
  }
  return drop_ins;
}

}  // namespace authmilter
