#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/descriptor.h"

namespace authmilter {

std::string error_text(int error) { return std::generic_category().message(error); }

Result<std::string> read_file(const std::filesystem::path& path, std::size_t most_octets) {
  // A FIFO or a terminal must not make us wait for somebody who writes.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat status {};
  if (!file.open() || ::fstat(file.get(), &status) != 0) return Error{error_text(errno)};
  if (!S_ISREG(status.st_mode)) return Error{"not a regular file"};
  return read_file(file.get(), most_octets);
}

Result<std::string> read_file(int descriptor, std::size_t most_octets) {
  return read_file(descriptor, most_octets, -1);
}

Result<std::string> read_file(int descriptor, std::size_t most_octets, off_t expected) {
  std::array<char, 16UL * 1024> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): is filled
  std::string text;
  while (true) {
    const ssize_t got = ::read(descriptor, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{error_text(errno)};
    if (got == 0) return text;
    if (static_cast<std::size_t>(got) > most_octets - text.size())
      return Error{"larger than " + std::to_string(most_octets) + " octets"};
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (static_cast<off_t>(text.size()) == expected) return text;
  }
}

}  // namespace authmilter
