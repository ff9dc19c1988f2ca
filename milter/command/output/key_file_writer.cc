#include "output/key_file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace authmilter::tools {
namespace {

Error failure(const std::string& path, int error) {
  return Error{path + ": " + std::generic_category().message(error)};
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0;
}

/// Never through a file or link that is there already.
Status create(const std::string& path, std::string_view pem) {
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return failure(path, errno);
  const bool written = write_all(descriptor, pem);
  const int error = errno;
  if (::close(descriptor) == 0 && written) return Done{};
  ::unlink(path.c_str());
  return failure(path, error);
}

}  // namespace

Status write_key_file(const std::string& path, std::string_view pem, Existing existing) {
  if (existing == Existing::keep) return create(path, pem);
  const std::string temporary = path + ".new";
  if (auto created = create(temporary, pem); !created) return created;
  if (std::rename(temporary.c_str(), path.c_str()) == 0) return Done{};
  const int error = errno;
  ::unlink(temporary.c_str());
  return failure(path, error);
}

}  // namespace authmilter::tools
