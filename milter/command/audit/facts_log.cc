#include "audit/facts_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace authmilter::tools {
namespace {

Error failed(const std::string& path, const char* what) {
  return Error{path + ": " + what + ": " + std::system_category().message(errno)};
}

/// What getline(3) keeps its line in.
struct LineBuffer {
  char* octets = nullptr;
  std::size_t room = 0;
  LineBuffer() = default;
  LineBuffer(const LineBuffer&) = delete;
  LineBuffer& operator=(const LineBuffer&) = delete;
  ~LineBuffer() { std::free(octets); }  // NOLINT: getline(3) has it from malloc()
};

}  // namespace

Result<FactsLog> FactsLog::open(const std::string& path, Access access) {
  const bool grows = access == Access::growing;
  const int flags = (grows ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NONBLOCK;
  const int descriptor = ::open(path.c_str(), flags, 0644);
  if (descriptor < 0) return failed(path, "cannot be opened");
  std::FILE* const file = ::fdopen(descriptor, grows ? "r+" : "r");
  if (file == nullptr) {
    ::close(descriptor);
    return failed(path, "cannot be opened");
  }
  FactsLog log(path, access, file);
  struct stat is {};
  if (::fstat(descriptor, &is) != 0 || !S_ISREG(is.st_mode))
    return Error{path + ": is not a regular file"};
  // The system ends the lock with the process, however that ends.
  if (grows && ::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? Error{path + ": another survey is writing it"}
                                : failed(path, "cannot be locked");
  return log;
}

Result<std::optional<std::string>> FactsLog::next_line() {
  LineBuffer line;
  const ssize_t length = ::getline(&line.octets, &line.room, file_.get());
  const bool whole = length > 0 && line.octets[length - 1] == '\n';
  if (whole) {
    ++lines_;
    end_ += length;
    return std::optional(std::string(line.octets, static_cast<std::size_t>(length) - 1));
  }
  if (length < 0 && std::ferror(file_.get()) != 0) return failed(path_, "cannot be read");
  if (access_ == Access::reading) return std::optional<std::string>();
  const int descriptor = ::fileno(file_.get());
  if (::ftruncate(descriptor, end_) != 0) return failed(path_, "cannot be cut");
  if (::lseek(descriptor, end_, SEEK_SET) != end_) return failed(path_, "cannot be read");
  return std::optional<std::string>();
}

Status FactsLog::append(std::string_view line) {
  std::string whole(line);
  if (!whole.ends_with('\n')) whole += '\n';
  // Past stdio, so that no part of a line stays behind in a buffer.
  std::string_view rest = whole;
  while (!rest.empty()) {
    const ssize_t written = ::write(::fileno(file_.get()), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(path_, "cannot be written");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  ++lines_;
  end_ += static_cast<std::int64_t>(whole.size());
  return Done{};
}

}  // namespace authmilter::tools
