#include "rotation/key_making.h"

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
#include <authmilter/key_publication.h>
#include <authmilter/key_ring.h>
#include <authmilter/private_key.h>
#include <authmilter/published_key.h>

#include "options/input.h"
#include "output/exit_status.h"
#include "output/key_file_writer.h"
#include "rotation/as_owner.h"
#include "rotation/domain_choice.h"

namespace authmilter::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kConfigOctets = 64U << 20U;
constexpr std::size_t kKeyOctets = 64U << 10U;

Error failure(const std::string& path, int error) {
  return Error{path + ": " + std::generic_category().message(error)};
}

/// New key files, removed again unless they are kept.
class NewFiles {
 public:
  NewFiles() = default;
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;
  ~NewFiles() {
    for (const std::string& path : paths_) ::unlink(path.c_str());
  }
  /// Who may read the new one is who may read the old one, and root writes it with no more rights
  /// than the old one's owner has.
  Status write(const std::string& path, const std::string& pem, const std::string& beside) {
    struct stat old {};
    if (::stat(beside.c_str(), &old) != 0) return failure(beside, errno);
    const AsOwnerOf owner(beside);
    if (auto written = write_key_file(path, pem, Existing::keep); !written) return written;
    paths_.push_back(path);
    const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return failure(path, errno);
    const bool same = (old.st_gid == ::getegid() || ::fchown(file, ::geteuid(), old.st_gid) == 0) &&
                      ::fchmod(file, old.st_mode & 0777U) == 0;
    const int error = errno;
    ::close(file);
    return same ? Status(Done{}) : failure(path, error);
  }
  void keep() { paths_.clear(); }

 private:
  std::vector<std::string> paths_;
};

/// The file of a key of this type, or of any: beside it the next one is put. As the configuration
/// has it, which is root's.
std::optional<std::string> file_beside(const SigningDomainConfig& domain, const DomainKeys& keys,
                                       KeyType type) {
  std::optional<std::string> any;
  for (const SigningKeyConfig& key : domain.keys) {
    if (key.source.store != KeyStore::file) continue;
    const KeyLife* life = keys.find(key.selector);
    if (life != nullptr && life->type == type) return key.source.text;
    if (!any) any = key.source.text;
  }
  return any;
}

std::string file_name(const DomainName& domain, const Selector& selector, const Config& config,
                      std::int64_t now) {
  // The names of a ring come again, each time with another key.
  return config.rotation.ring.empty()
             ? fmt::format("{}.{}.pem", domain.text(), selector.text())
             : fmt::format("{}.{}.{}.pem", domain.text(), selector.text(), now);
}

Result<Selector> next_selector(const Config& config, const SigningDomainConfig& domain,
                               const DomainKeys& keys, std::int64_t now) {
  if (!config.rotation.ring.empty()) return ring_selector(config.rotation.ring, keys);
  std::vector<Selector> taken;
  for (const SigningKeyConfig& key : domain.keys) taken.push_back(key.selector);
  for (const KeyLife& key : keys.keys) taken.push_back(key.selector);
  return dated_selector(config.rotation.selector, now, taken);
}

/// The state with the configured keys that it does not name.
Result<DomainKeys> known_keys(const Config& config, const SigningDomainConfig& domain,
                              const KeyStateFiles& states, std::int64_t now) {
  auto state = states.read(domain.domain);
  if (!state) {
    return Error{fmt::format("{}; authmilter key watch {} makes it anew", state.error().message,
                             domain.domain.text())};
  }
  DomainKeys keys = state->value_or(DomainKeys{domain.domain, {}, {}});
  const auto configured = keys_of(config, domain);
  if (!configured) return configured.error();
  for (std::size_t i = 0; i < domain.keys.size(); ++i) {
    if (keys.find(domain.keys[i].selector) != nullptr) continue;
    auto life = life_of((*configured)[i], domain.keys[i], now);
    if (!life) return life.error();
    keys.keys.push_back(std::move(*life));
  }
  return keys;
}

std::vector<KeyType> types_to_make(const DomainKeys& keys, const RotateOptions& options) {
  std::vector<KeyType> types;
  for (const KeyType type : {KeyType::rsa, KeyType::ed25519}) {
    const auto has = [&](KeyState state) {
      return std::any_of(keys.keys.begin(), keys.keys.end(), [&](const KeyLife& key) {
        return key.type == type && key.state == state;
      });
    };
    const bool wanted =
        options.types.empty()
            ? has(KeyState::active)
            : std::find(options.types.begin(), options.types.end(), type) != options.types.end();
    if (wanted && !has(KeyState::pending)) types.push_back(type);
  }
  return types;
}

Result<std::string> config_text(const SigningDomainConfig& domain) {
  if (!domain.place.file)
    return Error{domain.domain.text() + ": is not written in a file that can be changed"};
  auto text = read_regular_file(*domain.place.file, kConfigOctets);
  if (!text) return text.error();
  return text;
}

bool is_configured(const SigningDomainConfig& domain, const Selector& selector) {
  return std::any_of(domain.keys.begin(), domain.keys.end(),
                     [&](const SigningKeyConfig& key) { return key.selector == selector; });
}

/// Back to the state that was there.
void restore(const KeyStateFiles& states, const DomainName& domain,
             const Result<std::optional<DomainKeys>>& before) {
  if (!before) return;
  const Status back = *before ? states.write(**before) : states.remove(domain);
  if (!back) note(back.error().message);
}

bool is_used_elsewhere(const Config& config, const SigningDomainConfig& domain,
                       const std::string& file, const Selector& selector) {
  for (const SigningDomainConfig* other : config.signing.all_domains()) {
    for (const SigningKeyConfig& key : other->keys) {
      const bool itself = other->domain == domain.domain && key.selector == selector;
      if (!itself && key.source.written() == file) return true;
    }
  }
  return false;
}

Status take_away(const Config& config, const DomainName& domain, const KeyLife& key) {
  // The file's name is the state's word: its owner may do this with the file, or nobody.
  const AsOwnerOf owner(config.signing.state_directory.string());
  const std::string& retired = config.rotation.publish_retired;
  if (!retired.empty()) {
    const auto pem = read_regular_file(key.file, kKeyOctets);
    if (!pem) return pem.error();
    const std::string open =
        (fs::path(retired) / fmt::format("{}.{}.pem", domain.text(), key.selector.text()));
    if (auto written = replace_file(open, *pem, Links::replaced); !written) return written;
  }
  if (::unlink(key.file.c_str()) != 0 && errno != ENOENT) return failure(key.file, errno);
  return Done{};
}

}  // namespace

Result<Rotated> rotate_domain(const Config& config, const SigningDomainConfig& domain,
                              const KeyStateFiles& states, const RotateOptions& options) {
  const auto before = states.read(domain.domain);
  auto keys = known_keys(config, domain, states, options.now);
  if (!keys) return keys.error();
  Rotated rotated{std::move(*keys), {}, ""};
  const auto types = types_to_make(rotated.keys, options);
  if (types.empty()) {
    rotated.skipped = "its next keys are pending already";
    return rotated;
  }
  auto text = config_text(domain);
  if (!text) return text.error();
  NewFiles files;
  for (const KeyType type : types) {
    const auto selector = next_selector(config, domain, rotated.keys, options.now);
    if (!selector) return selector.error();
    const auto beside = file_beside(domain, rotated.keys, type);
    if (!beside) {
      return Error{domain.domain.text() +
                   ": its keys are not in files: make the next one where they are kept"};
    }
    const auto place = record_place(domain.domain, *selector, config.rotation);
    if (!place) return place.error();
    const auto made = generate_private_key(
        type, std::max(config.rotation.rsa_bits, config.signing.minimum_rsa_bits));
    if (!made) return made.error();
    const std::string path =
        fs::path(*beside).parent_path() / file_name(domain.domain, *selector, config, options.now);
    if (auto written = files.write(path, made->pem, *beside); !written) return written.error();
    if (is_configured(domain, *selector)) {
      text = without_signing_key(*text, *domain.place.file, domain.domain, *selector);
      if (!text) return text.error();
    }
    text = with_signing_key(*text, *domain.place.file, domain.domain, *selector,
                            KeySource::of_file(path));
    if (!text) return text.error();
    KeyLife life =
        new_key(*selector, type, made->key->bits(), path, key_record_text(*made->key), options.now);
    life.place = *place;
    // Caches have the record of the one before, or its denial, for as long as they may.
    if (const KeyLife* holder = rotated.keys.find(*selector)) life.needed = holder->needed;
    if (KeyLife* holder = rotated.keys.find(*selector))
      *holder = std::move(life);
    else
      rotated.keys.keys.push_back(std::move(life));
    rotated.made.push_back(*selector);
  }
  if (auto written = states.write(rotated.keys); !written) return written.error();
  if (auto written = replace_file(*domain.place.file, *text, Links::followed); !written) {
    restore(states, domain.domain, before);
    return written.error();
  }
  files.keep();
  return rotated;
}

Status drop_key(const Config& config, const SigningDomainConfig& domain,
                const KeyStateFiles& states, DomainKeys keys, const Selector& selector) {
  if (is_configured(domain, selector)) {
    const auto text = config_text(domain);
    if (!text) return text.error();
    const auto changed = without_signing_key(*text, *domain.place.file, domain.domain, selector);
    if (!changed) return changed.error();
    if (auto written = replace_file(*domain.place.file, *changed, Links::followed); !written)
      return written;
  }
  const KeyLife* key = keys.find(selector);
  if (key == nullptr) return Done{};
  const KeyLife gone = *key;
  std::erase_if(keys.keys, [&](const KeyLife& one) { return one.selector == selector; });
  if (auto written = states.write(keys); !written) return written;
  if (!gone.file.starts_with('/') || is_used_elsewhere(config, domain, gone.file, selector))
    return Done{};
  return take_away(config, domain.domain, gone);
}

}  // namespace authmilter::tools
