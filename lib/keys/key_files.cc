#include "keys/key_files.h"

#include <authmilter/key_file.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/descriptor.h"
#include "base/file.h"
#include "base/file_version.h"

namespace authmilter {
namespace {

constexpr std::size_t kMaximumKeyFile = 64UL * 1024;  // an RSA key of 8192 bits takes 6.4 KiB

/// A buffer that holds a key, and is wiped.
struct Secret {
  std::array<char, kMaximumKeyFile + 1> octets;
  std::size_t size = 0;
  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { ::explicit_bzero(octets.data(), size); }
};

Status read_all(int descriptor, Secret& secret, const std::string& name) {
  while (secret.size < secret.octets.size()) {
    const ssize_t got =
        ::read(descriptor, secret.octets.data() + secret.size, secret.octets.size() - secret.size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{name + ": " + error_text(errno)};
    if (got == 0) return Done{};
    secret.size += static_cast<std::size_t>(got);
  }
  return Error{name + ": more than 64 KiB"};
}

}  // namespace

Result<std::filesystem::path> KeyFileReader::directory_of(const std::filesystem::path& path,
                                                          const std::string& name) {
  return directories_.with([&](auto& directories) -> Result<std::filesystem::path> {
    std::string place = path.parent_path().string();
    if (const auto found = directories.find(place); found != directories.end())
      return found->second;
    auto directory = check_way_to(path, name, keeper_);
    if (directory) directories.emplace(std::move(place), *directory);
    return directory;
  });
}

Result<std::shared_ptr<const PrivateKey>> KeyFileReader::key_of(std::string_view pem,
                                                                const std::string& name) {
  using Key = std::shared_ptr<const PrivateKey>;
  const Sha256Digest digest = sha256(pem);
  const auto known = keys_.with([&](const auto& keys) {
    const auto found = keys.find(digest);
    return found == keys.end() ? Key() : found->second;
  });
  if (known) return known;
  auto key = trial_ == KeyTrial::when_read ? private_key_from_pem(pem, name)
                                           : deferred_private_key(pem, name);
  if (!key) return key;
  // Another thread may have been faster: then its key is taken.
  return keys_.with([&](auto& keys) { return keys.try_emplace(digest, *key).first->second; });
}

Result<KeyOfFile> KeyFileReader::read(const std::string& name) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(name, error);
  if (error) return Error{name + ": " + error.message()};
  const auto directory = directory_of(absolute, name);
  if (!directory) return directory.error();
  const auto opened = open_key_file(*directory / absolute.filename(), name, keeper_);
  if (!opened) return opened.error();
  const Descriptor file(*opened);
  const auto seen = version_of(file.get());
  if (!seen) return Error{name + ": " + seen.error().message};
  const auto known = previous_.find(name);
  if (known != previous_.end() && known->second.settled && known->second.version == seen->version)
    return known->second;
  const auto secret = std::make_unique_for_overwrite<Secret>();
  if (auto read = read_all(file.get(), *secret, name); !read) return read.error();
  auto key = key_of({secret->octets.data(), secret->size}, name);
  if (!key) return key.error();
  return KeyOfFile{seen->version, seen->settled, std::move(*key)};
}

Result<std::shared_ptr<const PrivateKey>> read_key_file(const std::filesystem::path& path) {
  const KnownKeyFiles none;
  auto file = KeyFileReader(none, KeyTrial::when_read).read(path.string());
  if (!file) return file.error();
  return std::move(file->key);
}

}  // namespace authmilter
