#include "keys/key_files.h"

#include <authmilter/key_file.h>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/descriptor.h"
#include "base/file.h"
#include "base/file_version.h"

namespace authmilter {
namespace {

constexpr std::size_t kMaximumKeyFile = 64UL * 1024;  // an RSA key of 8192 bits takes 6.4 KiB

/// A buffer that holds a key, and is wiped.
struct Secret {
  std::array<char, kMaximumKeyFile + 1> octets;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::size_t size = 0;
  Secret() {}  // NOLINT(modernize-use-equals-default): the octets need no value
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { ::explicit_bzero(octets.data(), size); }
  std::string_view text() const { return {octets.data(), size}; }
};

/// Of a regular file of `expected` octets: when they are there and no more came along with them,
/// the end is not asked for.
Status read_all(int descriptor, off_t expected, Secret& secret, const std::string& name) {
  while (secret.size <= kMaximumKeyFile) {
    const ssize_t got =
        ::read(descriptor, secret.octets.data() + secret.size, secret.octets.size() - secret.size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{name + ": " + error_text(errno)};
    secret.size += static_cast<std::size_t>(got);
    if (secret.size > kMaximumKeyFile) break;
    if (got == 0 || secret.size == static_cast<std::size_t>(expected)) return Done{};
  }
  return Error{name + ": more than 64 KiB"};
}

/// Whether a path is written in the shortest way.
bool is_plain(std::string_view path) {
  return path.starts_with('/') && path.size() > 1 && !path.ends_with('/') &&
         path.find("/.") == std::string_view::npos && path.find("//") == std::string_view::npos;
}

}  // namespace

Result<const std::string*> KeyFileReader::directory_of(std::string_view path,
                                                       const std::string& name) {
  const std::string_view place = path.substr(0, path.rfind('/'));
  const auto known = [&](std::string_view directory) -> const std::string* {
    const std::shared_lock lock(directories_lock_);
    const auto found = directories_.find(directory);
    return found == directories_.end() ? nullptr : &found->second;
  };
  if (const std::string* found = known(place)) return found;
  // In the way of a hosting company each domain has a directory of its own below one.
  const std::string_view parent = is_plain(place) ? place.substr(0, place.rfind('/')) : "";
  const std::string* above = parent.empty() ? nullptr : known(parent);
  const auto checked = above == nullptr ? check_way_to(path, name, keeper_)
                                        : check_way_below(*above, place, name, keeper_);
  if (!checked) return checked.error();
  const std::unique_lock lock(directories_lock_);
  // The way to a directory goes through the one above it, where there are no links.
  if (!parent.empty() && checked->string() == place) directories_.emplace(parent, parent);
  return &directories_.emplace(place, checked->string()).first->second;
}

Result<std::shared_ptr<const PrivateKey>> KeyFileReader::key_of(std::string_view pem,
                                                                const std::string& name) {
  using Key = std::shared_ptr<const PrivateKey>;
  const Sha256Digest digest = sha256(pem);
  auto& keys = keys_[digest.back() % keys_.size()];
  if (trial_ == KeyTrial::when_read) {
    const auto known = keys.with([&](const auto& all) {
      const auto found = all.find(digest);
      return found == all.end() ? Key() : found->second;
    });
    if (known) return known;
  }
  auto key = trial_ == KeyTrial::when_read ? private_key_from_pem(pem, name)
                                           : deferred_private_key(pem, name);
  if (!key) return key;
  // Another file, or another thread, may have been faster: then its key is taken.
  return keys.with([&](auto& all) { return all.try_emplace(digest, *key).first->second; });
}

void KeyFileReader::expect(std::size_t files) {
  for (auto& keys : keys_) keys.with([&](auto& all) { all.reserve(files / keys_.size() * 9 / 8); });
}

Result<KeyOfFile> KeyFileReader::read(const std::string& name) {
  std::string made;
  std::string_view path = name;
  if (!is_plain(path)) {
    std::error_code error;
    made = std::filesystem::absolute(name, error).string();
    if (error) return Error{name + ": " + error.message()};
    path = made;
  }
  const auto directory = directory_of(path, name);
  if (!directory) return directory.error();
  std::string place;
  place.reserve((*directory)->size() + path.size());
  place.append(**directory).append(path.substr(path.rfind('/')));
  const auto known = previous_.find(name);
  if (known != previous_.end() && known->second.settled) {
    // A look at the file itself, and not at what a link names. Who may read it has not changed
    // either: that changes its ctime.
    struct stat status {};
    if (::lstat(place.c_str(), &status) == 0 &&
        mark_of(version_of(status).version) == known->second.mark)
      return known->second;
  }
  const auto opened = open_key_file(place, name, keeper_);
  if (!opened) return opened.error();
  const Descriptor file(opened->descriptor);
  const SeenVersion seen = version_of(opened->status);
  Secret secret;
  if (auto read = read_all(file.get(), opened->status.st_size, secret, name); !read)
    return read.error();
  auto key = key_of(secret.text(), name);
  if (!key) return key.error();
  return KeyOfFile{mark_of(seen.version), seen.settled, std::move(*key)};
}

Result<std::shared_ptr<const PrivateKey>> read_key_file(const std::filesystem::path& path) {
  const KnownKeyFiles none;
  auto file = KeyFileReader(none, KeyTrial::when_read).read(path.string());
  if (!file) return file.error();
  return std::move(file->key);
}

}  // namespace authmilter
