#include "protocol/socket.h"

#include <fmt/core.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "protocol/callbacks.h"

namespace authmilter {
namespace {

Error system_error(const std::filesystem::path& path, const char* what) {
  return {fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno))};
}

/// Whether someone accepts connections there; the error is errno's.
enum class Listener { present, absent, unknown };
Listener find_listener(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return Listener::unknown;
  }
  std::memcpy(static_cast<void*>(address.sun_path), text.c_str(), text.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Listener::unknown;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  const int connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int why = errno;
  ::close(fd);
  errno = why;
  // EAGAIN: its queue is full, so it has one.
  if (connected == 0 || why == EAGAIN) return Listener::present;
  return why == ECONNREFUSED ? Listener::absent : Listener::unknown;
}

std::optional<gid_t> group_id(const std::string& name) {
  std::array<char, 16384> buffer{};
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return std::nullopt;
  }
  return entry.gr_gid;
}

/// The socket is only for the MTA, so what fails here leaves it too narrow, never too wide: a
/// warning.
void give_to_group(const std::filesystem::path& path, const std::string& group, Logger& logger) {
  if (group.empty()) return;
  const auto id = group_id(group);
  if (!id) {
    logger.warning("milter.socket_group does not exist", {{"group", group}});
    return;
  }
  struct stat info {};
  // A directory with the setgid bit has done it already.
  if (lstat(path.c_str(), &info) == 0 && info.st_gid == *id) return;
  constexpr auto kSameOwner = static_cast<uid_t>(-1);
  if (lchown(path.c_str(), kSameOwner, *id) != 0) {
    logger.warning("cannot give the socket to milter.socket_group",
                   {{"socket", path.string()},
                    {"group", group},
                    {"error", std::string(std::strerror(errno))}});
  }
}

}  // namespace

Status remove_stale_socket(const std::filesystem::path& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return Done{};
    return system_error(path, "cannot look at it");
  }
  if (!S_ISSOCK(info.st_mode)) {
    return Error{fmt::format("{}: exists and is not a socket", path.string())};
  }
  switch (find_listener(path)) {
    case Listener::present:
      return Error{fmt::format("{}: another process listens on it", path.string())};
    case Listener::unknown:
      return system_error(path, "cannot tell whether another process listens on it");
    case Listener::absent:
      break;
  }
  if (unlink(path.c_str()) != 0) return system_error(path, "cannot remove it");
  return Done{};
}

Result<ListeningSocket> ListeningSocket::open(const SocketAddress& socket,
                                              const MilterConfig& config, Logger& logger) {
  ListeningSocket listening;
  const auto* path = socket.file();
  if (path == nullptr) {
    const auto opened = open_milter_socket(socket);
    if (!opened) return opened.error();
    return listening;
  }
  const auto removed = remove_stale_socket(*path);
  if (!removed) return removed.error();
  constexpr mode_t kAll = 0777;
  const mode_t old_mask = umask(kAll & ~static_cast<mode_t>(config.socket_mode));
  const auto opened = open_milter_socket(socket);
  umask(old_mask);
  if (!opened) return opened.error();
  give_to_group(*path, config.socket_group, logger);
  struct stat info {};
  if (lstat(path->c_str(), &info) != 0) return system_error(*path, "cannot look at it");
  listening.file_ = File{*path, info.st_dev, info.st_ino};
  return listening;
}

void ListeningSocket::remove_file() const {
  if (!file_) return;
  struct stat info {};
  if (lstat(file_->path.c_str(), &info) != 0) return;
  if (info.st_dev == file_->device && info.st_ino == file_->inode) unlink(file_->path.c_str());
}

}  // namespace authmilter
