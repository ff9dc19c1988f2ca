#include "dns/file_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace authmilter {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  const int number_;
};

FileText failed(std::string why, FileText::Status status = FileText::Status::unreadable) {
  return {.status = status, .text = {}, .problem = std::move(why)};
}

FileText failed(int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  return failed(std::generic_category().message(error),
                missing ? FileText::Status::missing : FileText::Status::unreadable);
}

}  // namespace

FileText read_small_file(const std::string& path, std::size_t most_octets) {
  // Opening a pipe would wait for its writer.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number() < 0) return failed(errno);
  struct stat about {};
  if (fstat(file.number(), &about) != 0) return failed(errno);
  if (!S_ISREG(about.st_mode)) return failed("is not a regular file");
  FileText read{.status = FileText::Status::read, .text = {}, .problem = {}};
  std::array<char, 4096> piece{};
  for (;;) {
    const auto count = ::read(file.number(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(errno);
    if (count == 0) return read;
    read.text.append(piece.data(), static_cast<std::size_t>(count));
    if (read.text.size() > most_octets)
      return failed(fmt::format("is larger than {} octets", most_octets));
  }
}

}  // namespace authmilter
