#include <authmilter/key_states.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/descriptor.h"
#include "base/file.h"
#include "base/file_version.h"
#include "keys/state_names.h"

namespace authmilter {
namespace {

namespace fs = std::filesystem;
using Entry = KeyStates::Entry;

constexpr std::size_t kStateOctets = 1UL << 20U;

Entry without_keys(Entry entry, const Entry* known, std::string error) {
  entry.error = std::move(error);
  // The last good one goes on.
  if (known != nullptr) entry.keys = known->keys;
  return entry;
}

Entry read_entry(const fs::path& path, const DomainName& domain, const Entry* known) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) {
    return without_keys(
        {}, known,
        path.string() + ": " +
            (errno == ELOOP ? "is a symbolic link, which is not followed" : error_text(errno)));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return without_keys({}, known, path.string() + ": is not a regular file");
  const auto seen = version_of(file.get());
  if (!seen) return without_keys({}, known, path.string() + ": " + seen.error().message);
  if (known != nullptr && known->settled && known->version == seen->version) return *known;
  const Entry entry{seen->version, seen->settled, nullptr, ""};
  const auto text = read_file(file.get(), kStateOctets);
  if (!text) return without_keys(entry, known, path.string() + ": " + text.error().message);
  auto keys = parse_state(*text, path.string());
  if (!keys) return without_keys(entry, known, keys.error().message);
  if (keys->domain != domain) {
    return without_keys(
        entry, known,
        path.string() + ": is of " + keys->domain.text() + ", not of its file's name");
  }
  // What is the same is kept, so that others see that it is.
  if (known != nullptr && known->keys && *known->keys == *keys)
    return {entry.version, entry.settled, known->keys, ""};
  return {entry.version, entry.settled, std::make_shared<const DomainKeys>(std::move(*keys)), ""};
}

}  // namespace

std::shared_ptr<const KeyStates> KeyStates::load(const fs::path& directory,
                                                 const KeyStates* previous) {
  auto states = std::make_shared<KeyStates>();
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const auto domain = domain_of_state(entries->path().filename().string());
    if (!domain) continue;
    const Entry* known = nullptr;
    if (previous != nullptr) {
      const auto found = previous->entries_.find(domain->text());
      if (found != previous->entries_.end()) known = &found->second;
    }
    states->entries_.emplace(domain->text(), read_entry(entries->path(), *domain, known));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    states->error_ =
        directory.string() + ": cannot read signing.state_directory: " + error.message();
    // Half a directory says nothing about what is missing.
    if (previous != nullptr) states->entries_ = previous->entries_;
  }
  return states;
}

const DomainKeys* KeyStates::find(const std::string& domain) const {
  const auto found = entries_.find(domain);
  return found == entries_.end() ? nullptr : found->second.keys.get();
}

bool KeyStates::same_as(const KeyStates& other) const {
  if (entries_.size() != other.entries_.size() || error_ != other.error_) return false;
  for (const auto& [domain, entry] : entries_) {
    const auto found = other.entries_.find(domain);
    if (found == other.entries_.end() || found->second.keys != entry.keys ||
        found->second.error != entry.error)
      return false;
  }
  return true;
}

}  // namespace authmilter
