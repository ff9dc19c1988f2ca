#include "rotation/key_making.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

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
#include "rotation/key_removal.h"

namespace authmilter::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kConfigOctets = 64U << 20U;
// Others wait for the lock, for longer than this.
constexpr auto kLockedTime = std::chrono::seconds(3);

Error failure(const std::string& path, int error) {
  return Error{path + ": " + std::generic_category().message(error)};
}

/// The file is there after a power cut, too. Where that cannot be had, the next run sees to it.
void keep_name(const std::string& directory) {
  const int opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  ::fsync(opened);
  ::close(opened);
}

/// New key files, removed again unless they are kept.
class NewFiles {
 public:
  NewFiles() = default;
  NewFiles(NewFiles&& other) noexcept : paths_(std::exchange(other.paths_, {})) {}
  NewFiles& operator=(NewFiles&& other) noexcept {
    std::swap(paths_, other.paths_);
    return *this;
  }
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
    keep_name(fs::path(path).parent_path().string());
    return same ? Status(Done{}) : failure(path, error);
  }
  void keep() { paths_.clear(); }

 private:
  std::vector<std::string> paths_;
};

/// The file of a key of this type, or of any where the domain has none of it: beside it the next
/// one is put. As the configuration has it, which is root's.
Result<std::string> file_beside(const SigningDomainConfig& domain, const DomainKeys& keys,
                                KeyType type) {
  const std::string* any = nullptr;
  bool elsewhere = false;
  for (const SigningKeyConfig& key : domain.keys) {
    const KeyLife* life = keys.find(key.selector);
    const bool same = life != nullptr && life->type == type && life->state != KeyState::retired;
    if (key.source.store != KeyStore::file) {
      elsewhere = elsewhere || same;
      continue;
    }
    if (same) return key.source.text;
    if (any == nullptr) any = &key.source.text;
  }
  if (elsewhere || any == nullptr) {
    return Error{fmt::format("{}: its {} key is not in a file: make the next one where it is kept",
                             domain.domain.text(), to_string(type))};
  }
  return *any;
}

std::string file_name(const DomainName& domain, const Selector& selector, const Config& config,
                      std::int64_t now) {
  // The names of a ring come again, each time with another key.
  return config.rotation.ring.empty()
             ? fmt::format("{}.{}.pem", domain.text(), selector.text())
             : fmt::format("{}.{}.{}.pem", domain.text(), selector.text(), now);
}

/// A new key's name, and the file that it goes into.
struct NewName {
  Selector selector;
  std::string path;
};

bool is_there(const std::string& path, const std::string& beside) {
  const AsOwnerOf owner(beside);
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

/// A dated name whose file is there already is passed over: it may be of a run that was cut off,
/// and a key that was seen by nobody knows whom is none to sign with.
Result<NewName> next_name(const Config& config, const SigningDomainConfig& domain, Rotated& rotated,
                          const std::string& beside, std::int64_t now) {
  const bool dated = config.rotation.ring.empty();
  std::vector<Selector> taken;
  for (const SigningKeyConfig& key : domain.keys) taken.push_back(key.selector);
  for (const KeyLife& key : rotated.keys.keys) taken.push_back(key.selector);
  for (;;) {
    const auto selector = dated ? dated_selector(config.rotation.selector, now, taken)
                                : ring_selector(config.rotation.ring, rotated.keys);
    if (!selector) return selector.error();
    std::string path =
        fs::path(beside).parent_path() / file_name(domain.domain, *selector, config, now);
    if (!dated || !is_there(path, beside)) return NewName{*selector, std::move(path)};
    rotated.notes.push_back(
        fmt::format("{}: is there already, so {} is passed over", path, selector->text()));
    taken.push_back(*selector);
  }
}

/// The state with the configured keys that it does not name.
Result<DomainKeys> known_keys(const Config& config, const SigningDomainConfig& domain,
                              const Result<std::optional<DomainKeys>>& state, std::int64_t now) {
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

/// Back to the state that was there.
void restore(const KeyStateFiles& states, const DomainName& domain,
             const std::optional<DomainKeys>& before) {
  if (!before) {
    if (const auto gone = states.remove(domain); !gone) note(gone.error().message);
  } else if (const auto back = states.write(*before); !back) {
    note(back.error().message);
  }
}

/// A domain's rotation until the configuration is written.
struct Draft {
  std::optional<DomainKeys> before;
  Rotated rotated;
  NewFiles files;
  std::vector<KeyLife> replaced;  // of a ring: whose names come again
  std::vector<Selector> without;
  std::vector<KeyListEditor::NewKey> with;
};

/// A key that waits is the one in this file.
bool is_in_file(const Config& config, const SigningDomainConfig& domain, const KeyLife& key,
                const std::string& path) {
  SigningDomainConfig alone = domain;
  alone.keys = {{key.selector, KeySource::of_file(path), domain.place}};
  const auto read = keys_of(config, alone);
  return read && read->size() == 1 && key_record_text(*read->front().key) == key.record;
}

/// A run that was cut off has left keys in the state that are not in the configuration: they go in
/// now, where they are what that run would have put there. Others are forgotten. The state's word
/// alone brings no file into the configuration.
void finish_last_run(const Config& config, const SigningDomainConfig& domain,
                     const KeyListEditor& editor, Draft& draft) {
  Rotated& rotated = draft.rotated;
  std::vector<Selector> forgotten;
  for (const KeyLife& key : rotated.keys.keys) {
    if (key.state != KeyState::pending || editor.has(domain.domain, key.selector)) continue;
    const auto beside = file_beside(domain, rotated.keys, key.type);
    const std::string path = !beside ? ""
                                     : (fs::path(*beside).parent_path() /
                                        file_name(domain.domain, key.selector, config, key.since))
                                           .string();
    const bool ours = !path.empty() && key.file == path && is_in_file(config, domain, key, path);
    rotated.notes.push_back(fmt::format("{} {}: waited without being in the configuration, and {}",
                                        domain.domain.text(), key.selector.text(),
                                        ours ? "is there now" : "is forgotten"));
    if (!ours) {
      forgotten.push_back(key.selector);
      continue;
    }
    draft.with.push_back({key.selector, KeySource::of_file(path)});
    rotated.made.push_back(key.selector);
  }
  std::erase_if(rotated.keys.keys, [&](const KeyLife& key) {
    return std::find(forgotten.begin(), forgotten.end(), key.selector) != forgotten.end();
  });
}

Status make_key(const Config& config, const SigningDomainConfig& domain,
                const KeyListEditor& editor, KeyType type, std::int64_t now, Draft& draft) {
  Rotated& rotated = draft.rotated;
  const auto beside = file_beside(domain, rotated.keys, type);
  if (!beside) return beside.error();
  const auto name = next_name(config, domain, rotated, *beside, now);
  if (!name) return name.error();
  const Selector& selector = name->selector;
  const auto place = record_place(domain.domain, selector, config.rotation);
  if (!place) return place.error();
  const auto made = generate_private_key(
      type, std::max(config.rotation.rsa_bits, config.signing.minimum_rsa_bits));
  if (!made) return made.error();
  if (auto written = draft.files.write(name->path, made->pem, *beside); !written) return written;
  if (editor.has(domain.domain, selector)) draft.without.push_back(selector);
  draft.with.push_back({selector, KeySource::of_file(name->path)});
  KeyLife life =
      new_key(selector, type, made->key->bits(), name->path, key_record_text(*made->key), now);
  life.place = *place;
  if (KeyLife* holder = rotated.keys.find(selector)) {
    // Caches have the record of the one before, or its denial, for as long as they may.
    life.needed = holder->needed;
    draft.replaced.push_back(std::exchange(*holder, std::move(life)));
  } else {
    rotated.keys.keys.push_back(std::move(life));
  }
  rotated.made.push_back(selector);
  return Done{};
}

/// Everything but the configuration's text, of which the editor has the change.
Result<Draft> prepare(const Config& config, const SigningDomainConfig& domain,
                      const KeyStateFiles& states, const RotateOptions& options,
                      KeyListEditor& editor) {
  const auto before = states.read(domain.domain);
  auto keys = known_keys(config, domain, before, options.now);
  if (!keys) return keys.error();
  Draft draft{*before, {std::move(*keys), {}, "", {}}, {}, {}, {}, {}};
  finish_last_run(config, domain, editor, draft);
  for (const KeyType type : types_to_make(draft.rotated.keys, options)) {
    if (auto made = make_key(config, domain, editor, type, options.now, draft); !made)
      return made.error();
  }
  if (draft.rotated.made.empty()) {
    draft.rotated.skipped = "its next keys are pending already";
    return draft;
  }
  if (auto changed = editor.change(domain.domain, draft.without, draft.with); !changed)
    return changed.error();
  const auto written = states.write(draft.rotated.keys);
  if (!written) {
    editor.leave(domain.domain);
    return written.error();
  }
  if (!written->risk.empty()) draft.rotated.notes.push_back(written->risk);
  return draft;
}

/// The private halves whose names a ring has given to new keys. The configuration as it was read
/// has their files.
void take_away_replaced(const Config& config, const SigningDomainConfig& domain, Draft& draft) {
  for (const KeyLife& key : draft.replaced) {
    for (const SigningKeyConfig& configured : domain.keys) {
      if (configured.selector != key.selector || configured.source.store != KeyStore::file)
        continue;
      const auto stays = take_away(config, domain, key, configured.source.text, end_of(key));
      if (!stays)
        draft.rotated.notes.push_back(stays.error().message);
      else if (!stays->empty())
        draft.rotated.notes.push_back(*stays);
    }
  }
}

/// The text of the file that all of them are written in.
Result<KeyListEditor> editor_of(const SigningDomainConfig& domain) {
  if (!domain.place.file)
    return Error{domain.domain.text() + ": is not written in a file that can be changed"};
  auto text = read_regular_file(*domain.place.file, kConfigOctets);
  if (!text) return text.error();
  return KeyListEditor::read(std::move(*text), *domain.place.file);
}

bool same_file(const SigningDomainConfig& a, const SigningDomainConfig& b) {
  return a.place.file && b.place.file && *a.place.file == *b.place.file;
}

/// Writes the configuration with all changes. Where that fails nothing is left of the drafts.
void finish(const Config& config, std::span<const SigningDomainConfig* const> domains,
            const KeyStateFiles& states, const KeyListEditor& editor,
            std::vector<Result<Draft>>& drafts) {
  const auto has_keys = [](const Result<Draft>& draft) {
    return draft && !draft->rotated.made.empty();
  };
  if (std::none_of(drafts.begin(), drafts.end(), has_keys)) return;
  const auto text = editor.text();
  const auto written = text ? replace_file(*domains.front()->place.file, *text, Links::followed)
                            : Result<Replaced>(text.error());
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (!has_keys(drafts[i])) continue;
    Draft& draft = *drafts[i];
    if (!written) {
      restore(states, domains[i]->domain, draft.before);
      drafts[i] = written.error();
      continue;
    }
    draft.files.keep();
    take_away_replaced(config, *domains[i], draft);
  }
  if (written && !written->risk.empty()) note(written->risk);
}

}  // namespace

Result<std::vector<Result<Rotated>>> rotate_some(
    const Config& config, std::span<const SigningDomainConfig* const> domains,
    const KeyStateFiles& states, const RotateOptions& options) {
  const auto lock = states.lock();
  if (!lock) return lock.error();
  const auto until = std::chrono::steady_clock::now() + kLockedTime;
  auto editor = editor_of(*domains.front());
  std::vector<Result<Rotated>> results;
  if (!editor) {
    results.emplace_back(editor.error());
    return results;
  }
  std::vector<Result<Draft>> drafts;
  for (const SigningDomainConfig* domain : domains) {
    if (!drafts.empty() &&
        (!same_file(*domain, *domains.front()) || std::chrono::steady_clock::now() >= until))
      break;
    drafts.push_back(prepare(config, *domain, states, options, *editor));
  }
  finish(config, domains, states, *editor, drafts);
  for (Result<Draft>& draft : drafts) {
    if (draft)
      results.emplace_back(std::move(draft->rotated));
    else
      results.emplace_back(draft.error());
  }
  return results;
}

}  // namespace authmilter::tools
