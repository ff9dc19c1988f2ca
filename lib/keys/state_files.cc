#include <authmilter/key_states.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <sstream>
#include <thread>
#include <utility>

#include "base/descriptor.h"
#include "base/file.h"
#include "keys/state_names.h"

namespace authmilter {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Others hold the lock while they write, some for as long as it takes to make keys.
constexpr auto kLockTime = 10s;
constexpr auto kLockPause = 50ms;

constexpr std::size_t kStateOctets = 1UL << 20U;
constexpr std::size_t kUsesOctets = 64UL << 20U;
constexpr std::int64_t kLastDay = 2932896;  // of the year 9999, in days since 1970

/// A regular file's text; nothing where there is none. No link is followed, and nobody waits for a
/// pipe: the directory may be another user's.
Result<std::optional<std::string>> read_plain(const fs::path& path, std::size_t most_octets) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.open() && errno == ENOENT) return std::optional<std::string>();
  if (!file.open() && errno == ELOOP) return Error{"is a symbolic link, which is not followed"};
  if (!file.open()) return Error{error_text(errno)};
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return Error{error_text(errno)};
  if (!S_ISREG(status.st_mode)) return Error{"is not a regular file"};
  auto text = read_file(file.get(), most_octets);
  if (!text) return text.error();
  return std::optional(std::move(*text));
}

/// Lines of "domain selector day"; one that was cut off ends the reading.
KeyStateFiles::Uses read_uses(const fs::path& path) {
  KeyStateFiles::Uses uses;
  const auto text = read_plain(path, kUsesOctets);
  if (!text || !*text) return uses;
  std::istringstream lines(**text);
  std::string domain;
  std::string selector;
  std::int64_t day = 0;
  while (lines >> domain >> selector >> day) {
    if (day > 0 && day <= kLastDay) uses[{domain, selector}] = day;
  }
  return uses;
}

}  // namespace

void KeyStateFiles::Lock::release() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

Result<KeyStateFiles::Lock> KeyStateFiles::lock() const {
  // The directory itself: nothing has to be written for it, and no file is left behind.
  const int descriptor = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return Error{directory_.string() +
                 ": cannot use signing.state_directory: " + error_text(errno)};
  }
  Lock held(descriptor);
  for (std::chrono::milliseconds waited = 0ms; waited < kLockTime; waited += kLockPause) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return held;
    if (errno != EWOULDBLOCK) return Error{directory_.string() + ": " + error_text(errno)};
    std::this_thread::sleep_for(kLockPause);
  }
  return Error{directory_.string() +
               ": another authmilter key is changing keys, wait until it has ended"};
}

fs::path KeyStateFiles::file_of(const DomainName& domain) const {
  return directory_ / (domain.text() + std::string(kStateNameEnd));
}

Result<std::optional<DomainKeys>> KeyStateFiles::read(const DomainName& domain) const {
  const fs::path path = file_of(domain);
  const auto text = read_plain(path, kStateOctets);
  if (!text) return Error{path.string() + ": " + text.error().message};
  if (!*text) return std::optional<DomainKeys>();
  auto keys = parse_state(**text, path.string());
  if (!keys) return keys.error();
  if (keys->domain != domain)
    return Error{path.string() + ": is of " + keys->domain.text() + ", not of its file's name"};
  return std::optional(std::move(*keys));
}

Result<Replaced> KeyStateFiles::write(const DomainKeys& keys) const {
  return replace_file(file_of(keys.domain), print_state(keys), Links::replaced);
}

Status KeyStateFiles::remove(const DomainName& domain) const {
  std::error_code error;
  const fs::path path = file_of(domain);
  fs::remove(path, error);
  if (error) return Error{path.string() + ": " + error.message()};
  return Done{};
}

Result<std::vector<DomainName>> KeyStateFiles::domains() const {
  std::vector<DomainName> found;
  std::error_code error;
  fs::directory_iterator entries(directory_, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    if (const auto domain = domain_of_state(entries->path().filename().string()))
      found.push_back(*domain);
  }
  if (error) {
    return Error{directory_.string() + ": cannot read signing.state_directory: " + error.message()};
  }
  std::sort(found.begin(), found.end());
  return found;
}

KeyStateFiles::Uses KeyStateFiles::last_uses() const {
  Uses uses;
  std::error_code error;
  fs::directory_iterator entries(directory_, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (!name.starts_with(kUsesNameBegin)) continue;
    for (const auto& [key, day] : read_uses(entries->path())) {
      auto& last = uses[key];
      last = std::max(last, day);
    }
  }
  return uses;
}

KeyStateFiles::Uses KeyStateFiles::uses_of(std::size_t process) const {
  return read_uses(directory_ / (std::string(kUsesNameBegin) + std::to_string(process)));
}

Status KeyStateFiles::write_uses(std::size_t process, const Uses& uses) const {
  std::string text;
  for (const auto& [key, day] : uses)
    text += key.first + ' ' + key.second + ' ' + std::to_string(day) + '\n';
  const auto written = replace_file(
      directory_ / (std::string(kUsesNameBegin) + std::to_string(process)), text, Links::replaced);
  // Days that a power cut takes back cost nobody anything.
  return written ? Status(Done{}) : Status(written.error());
}

}  // namespace authmilter
