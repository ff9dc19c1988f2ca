#include <authmilter/crypto.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <system_error>

#include <openssl/crypto.h>

namespace authmilter {
namespace {

constexpr std::size_t kMaximumKeyFile = 64UL * 1024;  // an RSA key of 8192 bits takes 6.4 KiB

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  bool open() const { return number_ >= 0; }

 private:
  int number_;
};

/// A buffer that holds a key, and is wiped.
struct Secret {
  std::array<char, kMaximumKeyFile + 1> octets;
  std::size_t size = 0;
  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { OPENSSL_cleanse(octets.data(), octets.size()); }
};

std::string reason(int error) { return std::generic_category().message(error); }

std::string octal(mode_t mode) {
  std::string digits = "0";
  for (const unsigned shift : {6U, 3U, 0U}) {
    digits += static_cast<char>('0' + (mode >> shift & 7U));
  }
  return digits;
}

/// Whoever may write to a directory may put another file in the key's place.
Status check_directories(const std::filesystem::path& path, const std::string& name) {
  for (auto directory = path.parent_path();; directory = directory.parent_path()) {
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0) {
      return Error{name + ": " + directory.string() + ": " + reason(errno)};
    }
    if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
      return Error{name + ": others may write to " + directory.string()};
    }
    if (directory == directory.parent_path()) return Done{};
  }
}

Status check_file(int descriptor, const std::string& name) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return Error{name + ": " + reason(errno)};
  if (!S_ISREG(status.st_mode)) return Error{name + ": not a regular file"};
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return Error{name + ": owned by neither root nor the user that runs this program"};
  }
  const std::string mode = " (mode " + octal(status.st_mode) + ")";
  if ((status.st_mode & S_IRWXO) != 0) return Error{name + ": open to others" + mode};
  if ((status.st_mode & S_IWGRP) != 0) return Error{name + ": its group may write to it" + mode};
  if (status.st_size > static_cast<off_t>(kMaximumKeyFile)) {
    return Error{name + ": more than 64 KiB"};
  }
  return Done{};
}

Status read_all(int descriptor, Secret& secret, const std::string& name) {
  while (secret.size < secret.octets.size()) {
    const ssize_t got =
        ::read(descriptor, secret.octets.data() + secret.size, secret.octets.size() - secret.size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{name + ": " + reason(errno)};
    if (got == 0) return Done{};
    secret.size += static_cast<std::size_t>(got);
  }
  return Error{name + ": more than 64 KiB"};
}

}  // namespace

Result<std::shared_ptr<const PrivateKey>> PrivateKey::from_file(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return Error{name + ": " + error.message()};
  // Both as named and as it is after symbolic links: either way leads to another key.
  const auto directory = std::filesystem::canonical(absolute.parent_path(), error);
  if (error) return Error{name + ": " + error.message()};
  for (const auto& way : {absolute, directory / absolute.filename()}) {
    if (auto checked = check_directories(way, name); !checked) return checked.error();
  }
  const Descriptor file(::open((directory / absolute.filename()).c_str(),
                               O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.open()) {
    if (errno == ELOOP) return Error{name + ": a symbolic link, not a regular file"};
    return Error{name + ": " + reason(errno)};
  }
  if (auto checked = check_file(file.get(), name); !checked) return checked.error();
  const auto secret = std::make_unique<Secret>();
  if (auto read = read_all(file.get(), *secret, name); !read) return read.error();
  return from_pem({secret->octets.data(), secret->size}, name);
}

}  // namespace authmilter
