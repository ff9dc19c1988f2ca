#include "report/kept_aside.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <authmilter/crypto.h>
#include <fmt/format.h>

#include "output/output.h"

namespace authmilter::tools {
namespace {

std::string reason_of(int error) { return std::generic_category().message(error); }

/// A whole file or none.
Status write_file(const std::string& path, std::string_view text) {
  const std::string draft = path + ".part";
  const int file =
      ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return Error{draft + ": " + reason_of(errno)};
  int error = 0;
  while (!text.empty() && error == 0) {
    const auto written = ::write(file, text.data(), text.size());
    if (written < 0 && errno != EINTR) error = errno;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (error == 0 && ::fsync(file) != 0) error = errno;
  if (::close(file) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(draft.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(draft.c_str());
    return Error{path + ": " + reason_of(error)};
  }
  return Done{};
}

}  // namespace

Status KeptAside::keep(std::string_view octets, std::string_view name,
                       std::string_view reason) const {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{folder_ + ": " + reason_of(errno)};
  }
  std::string hash;
  for (const std::uint8_t octet : sha256(octets)) hash += fmt::format("{:02x}", octet);
  const std::string stem = folder_ + "/" + hash.substr(0, 32);
  if (const Status written = write_file(stem + ".report", octets); !written) return written;
  return write_file(stem + ".reason", fmt::format("{}\n{}\n", printable(reason), printable(name)));
}

}  // namespace authmilter::tools
