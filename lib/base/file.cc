#include "base/file.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/c_handle.h"

namespace authmilter {

std::string error_text(int error) { return std::generic_category().message(error); }

Result<std::string> read_file(const std::filesystem::path& path, std::size_t most_octets) {
  constexpr std::size_t kPiece = 64UL * 1024;
  const CHandle<std::FILE, std::fclose> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return Error{error_text(errno)};
  std::string text;
  std::string piece(kPiece, '\0');
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get())) {
    if (got > most_octets - text.size())
      return Error{"larger than " + std::to_string(most_octets) + " octets"};
    text.append(piece, 0, got);
  }
  if (std::ferror(file.get()) != 0) return Error{error_text(errno)};
  return text;
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
