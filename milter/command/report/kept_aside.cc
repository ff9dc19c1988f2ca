#include "report/kept_aside.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <authmilter/crypto.h>
#include <fmt/format.h>

#include "output/output.h"

namespace authmilter::tools {
namespace {

// Anybody can send mail to where reports are asked for. So many are more than somebody looks at,
// and so much is seldom missed on a disk.
constexpr std::size_t kMostReports = 1000;
constexpr std::uint64_t kMostOctets = 256ULL << 20U;

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

KeptAside::Use KeptAside::count() const {
  Use use;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != ".report") continue;
    std::error_code gone;
    const auto size = entry->file_size(gone);
    if (gone) continue;
    ++use.reports;
    use.octets += size;
  }
  return use;
}

Status KeptAside::keep(std::string_view octets, std::string_view name, std::string_view reason) {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{folder_ + ": " + reason_of(errno)};
  }
  std::string hash;
  for (const std::uint8_t octet : sha256(octets)) hash += fmt::format("{:02x}", octet);
  const std::string stem = folder_ + "/" + hash.substr(0, 32);
  if (::access((stem + ".report").c_str(), F_OK) != 0) {
    if (!use_) use_ = count();
    if (use_->reports >= kMostReports || use_->octets + octets.size() > kMostOctets) {
      return Error{
          fmt::format("{}: is full ({} reports, {} octets): look at what is there and remove it",
                      folder_, use_->reports, use_->octets)};
    }
    ++use_->reports;
    use_->octets += octets.size();
  }
  if (const Status written = write_file(stem + ".report", octets); !written) return written;
  return write_file(stem + ".reason", fmt::format("{}\n{}\n", printable(reason), printable(name)));
}

}  // namespace authmilter::tools
