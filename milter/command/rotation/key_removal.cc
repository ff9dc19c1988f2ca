#include "rotation/key_removal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include <authmilter/config_edit.h>

#include "options/input.h"
#include "rotation/as_owner.h"
#include "rotation/dns_changes.h"

namespace authmilter::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kConfigOctets = 64U << 20U;
constexpr std::size_t kKeyOctets = 64U << 10U;

Error failure(const std::string& path, int error) {
  return Error{path + ": " + std::generic_category().message(error)};
}

/// A file by what it is, not by what it is called.
struct FileIdentity {
  dev_t device;
  ino_t number;
  bool operator==(const FileIdentity&) const = default;
};

std::optional<FileIdentity> identity_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino};
}

/// `path` is what a file of OpenDKIM's KeyTable is for some author's domain.
bool fits_template(const std::string& path, const std::string& pattern) {
  const auto percent = pattern.find('%');
  const auto last = pattern.rfind('%');
  const std::string_view before = std::string_view(pattern).substr(0, percent);
  const std::string_view behind = std::string_view(pattern).substr(last + 1);
  return path.size() > before.size() + behind.size() && path.starts_with(before) &&
         path.ends_with(behind);
}

bool is_used_elsewhere(const Config& config, const SigningDomainConfig& domain,
                       const std::string& file, const Selector& selector) {
  const auto wanted = identity_of(file);
  const auto same = [&](const std::string& other) {
    return other == file || (wanted && identity_of(other) == wanted);
  };
  for (const SigningDomainConfig* other : config.signing.all_domains()) {
    for (const SigningKeyConfig& key : other->keys) {
      const bool itself = other->domain == domain.domain && key.selector == selector;
      if (!itself && key.source.store == KeyStore::file && same(key.source.text)) return true;
    }
  }
  if (config.signing.tables == nullptr) return false;
  std::error_code ignored;
  const std::string real = fs::canonical(file, ignored).string();
  const SigningTables& tables = *config.signing.tables;
  for (std::size_t i = 0; i < tables.key_count(); ++i) {
    const TableKey key = tables.key(i);
    if (key.file.empty()) continue;  // the table holds it itself
    if (!key.is_template()) {
      if (same(key.file)) return true;
      continue;
    }
    if (fits_template(file, key.file) || fits_template(real, key.file) ||
        same(SigningTables::with_domain(key.file, domain.domain.text())))
      return true;
  }
  return false;
}

Status may_change(const std::string& directory, const std::string& what) {
  if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return Done{};
  return Error{fmt::format("{}: {}: {}", directory, what, std::generic_category().message(errno))};
}

std::string directory_of(const std::string& file) {
  const auto directory = fs::path(file).parent_path().string();
  return directory.empty() ? "." : directory;
}

/// What would keep take_away() from its work, as far as it can be seen.
Status can_take_away(const Config& config, const std::string& file, PrivateHalf end) {
  const std::string& retired = config.rotation.publish_retired;
  if (end == PrivateHalf::laid_open && !retired.empty()) {
    const AsOwnerOf owner(retired);
    if (auto may = may_change(retired, "cannot be written (rotation.publish_retired)"); !may)
      return may;
  }
  const AsOwnerOf owner(file);
  return may_change(directory_of(file), "a key cannot be taken away from there");
}

/// A copy for everybody.
Status lay_open(const Config& config, const DomainName& domain, const KeyLife& key,
                const std::string& file) {
  const std::string& retired = config.rotation.publish_retired;
  auto pem = [&] {
    const AsOwnerOf owner(file);
    return read_regular_file(file, kKeyOctets);
  }();
  if (!pem) return pem.error();
  // The names of a ring come again, each time with another key.
  const std::string name =
      config.rotation.ring.empty()
          ? fmt::format("{}.{}.pem", domain.text(), key.selector.text())
          : fmt::format("{}.{}.{}.pem", domain.text(), key.selector.text(), key.since);
  const AsOwnerOf owner(retired);
  const auto written = replace_file((fs::path(retired) / name).string(), *pem, Links::replaced);
  return written ? Status(Done{}) : Status(written.error());
}

/// The configuration's text without the key; nothing where it has none such.
Result<std::optional<std::string>> text_without(const SigningDomainConfig& domain,
                                                const Selector& selector) {
  if (!is_configured(domain, selector)) return std::optional<std::string>();
  if (!domain.place.file)
    return Error{domain.domain.text() + ": is not written in a file that can be changed"};
  const auto text = read_regular_file(*domain.place.file, kConfigOctets);
  if (!text) return text.error();
  auto changed = without_signing_key(*text, *domain.place.file, domain.domain, selector);
  if (!changed) return changed.error();
  return std::optional(std::move(*changed));
}

/// The key's file as the configuration has it, which is root's word.
std::optional<std::string> configured_file(const SigningDomainConfig& domain,
                                           const Selector& selector) {
  for (const SigningKeyConfig& key : domain.keys) {
    if (key.selector == selector && key.source.store == KeyStore::file) return key.source.text;
  }
  return std::nullopt;
}

/// Of a key that only the state knows, as after a run that was cut off. The file's name is the
/// state's word: its owner may do this with the file, or nobody.
std::string take_away_as_state_owner(const Config& config, const SigningDomainConfig& domain,
                                     const KeyLife& key) {
  if (!key.file.starts_with('/')) return "";
  if (is_used_elsewhere(config, domain, key.file, key.selector)) return "";
  const AsOwnerOf owner(config.signing.state_directory.string());
  if (::access(key.file.c_str(), F_OK) != 0 && errno == ENOENT) return "";
  if (::unlink(key.file.c_str()) == 0) return "";
  return fmt::format("{}: stays, take it away by hand: {}", key.file,
                     std::generic_category().message(errno));
}

}  // namespace

PrivateHalf end_of(const KeyLife& key) {
  return key.state == KeyState::retired && key.gone_for_good() ? PrivateHalf::laid_open
                                                               : PrivateHalf::deleted;
}

Result<std::string> take_away(const Config& config, const SigningDomainConfig& domain,
                              const KeyLife& key, const std::string& file, PrivateHalf end) {
  if (is_used_elsewhere(config, domain, file, key.selector))
    return file + ": stays, other keys of the configuration are in it";
  if (!identity_of(file)) return std::string();
  if (end == PrivateHalf::laid_open && !config.rotation.publish_retired.empty()) {
    if (auto open = lay_open(config, domain.domain, key, file); !open) return open.error();
  }
  const AsOwnerOf owner(file);
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return failure(file, errno);
  return std::string();
}

Result<std::vector<std::string>> drop_key(const Config& config, const SigningDomainConfig& domain,
                                          const KeyStateFiles& states, DomainKeys keys,
                                          const Selector& selector) {
  std::vector<std::string> notes;
  const KeyLife* key = keys.find(selector);
  if (key == nullptr) return notes;
  const auto file = configured_file(domain, selector);
  const bool shared = file && is_used_elsewhere(config, domain, *file, selector);
  if (file && !shared) {
    if (auto can = can_take_away(config, *file, end_of(*key)); !can) return can.error();
  }
  if (auto can = may_change(config.signing.state_directory.string(),
                            "cannot be written (signing.state_directory)");
      !can)
    return can.error();
  const auto text = text_without(domain, selector);
  if (!text) return text.error();
  if (*text) {
    const auto written = replace_file(*domain.place.file, **text, Links::followed);
    if (!written) return written.error();
    if (!written->risk.empty()) notes.push_back(written->risk);
  }
  if (file) {
    const auto stays = take_away(config, domain, *key, *file, end_of(*key));
    if (!stays) return stays.error();
    if (!stays->empty()) notes.push_back(*stays);
  } else if (auto stays = take_away_as_state_owner(config, domain, *key); !stays.empty()) {
    notes.push_back(std::move(stays));
  }
  std::erase_if(keys.keys, [&](const KeyLife& one) { return one.selector == selector; });
  const auto written = states.write(keys);
  if (!written) return written.error();
  if (!written->risk.empty()) notes.push_back(written->risk);
  return notes;
}

}  // namespace authmilter::tools
