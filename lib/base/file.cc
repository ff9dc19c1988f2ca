#include "base/file.h"

#include <unistd.h>

#include <algorithm>
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
  constexpr std::size_t kPiece = 4096;  // most are smaller
  std::string text;
  for (std::size_t end = 0;;) {
    text.resize(end + std::max(kPiece, end));
    const ssize_t got = ::read(descriptor, text.data() + end, text.size() - end);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{error_text(errno)};
    end += static_cast<std::size_t>(got);
    if (end > most_octets) return Error{"larger than " + std::to_string(most_octets) + " octets"};
    if (got > 0) continue;
    text.resize(end);
    return text;
  }
}

}  // namespace authmilter
