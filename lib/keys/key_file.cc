#include <authmilter/crypto.h>

#include <fcntl.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "keys/key_permissions.h"

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
  ~Secret() { ::explicit_bzero(octets.data(), octets.size()); }
};

std::string reason(int error) { return std::generic_category().message(error); }

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
  const auto directory = check_way_to(absolute, name);
  if (!directory) return directory.error();
  // Neither a link nor a FIFO nor a terminal can make us wait or lead elsewhere.
  const Descriptor file(::open((*directory / absolute.filename()).c_str(),
                               O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.open()) {
    if (errno == ELOOP) return Error{name + ": a symbolic link, not a regular file"};
    return Error{name + ": " + reason(errno)};
  }
  if (auto checked = check_key_file(file.get(), name); !checked) return checked.error();
  const auto secret = std::make_unique<Secret>();
  if (auto read = read_all(file.get(), *secret, name); !read) return read.error();
  return from_pem({secret->octets.data(), secret->size}, name);
}

}  // namespace authmilter
