#include "inner_daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "input.h"
#include "protocol/callbacks.h"
#include "protocol/socket.h"
#include "support/temporary_folder.h"

namespace authmilter::fuzz {
namespace {

// Sanitizers and other fuzzers on the same machine make it slow, but not as slow as this.
constexpr int kPatienceMs = 30'000;

LogConfig to_syslog() {
  LogConfig config;
  config.target = LogTarget::syslog;
  config.level = LogLevel::debug;
  return config;
}

/// A descriptor that is closed.
class Socket {
 public:
  Socket() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    require(fd_ >= 0, "a socket");
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void connect(const std::string& path) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    require(path.size() < sizeof address.sun_path, "a short path");
    std::memcpy(static_cast<void*>(address.sun_path), path.c_str(), path.size() + 1);
    require(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
            "the daemon listens");
  }
  /// Sends what the peer takes now; what is left.
  std::string_view send(std::string_view octets) const {
    const auto sent = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    // A peer that has closed wants nothing more.
    if (sent < 0) return errno == EAGAIN || errno == EINTR ? octets : std::string_view();
    return octets.substr(static_cast<std::size_t>(sent));
  }
  void end() const { ::shutdown(fd_, SHUT_WR); }
  /// Appends what has come to `received`; false at the end.
  bool receive(std::string& received) const {
    char buffer[4096];
    const auto size = ::recv(fd_, buffer, sizeof buffer, 0);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    received.append(buffer, static_cast<std::size_t>(size));
    return size != 0;
  }
  void wait(short events) const {
    pollfd ready{fd_, events, 0};
    int found = -1;
    // libFuzzer's clock interrupts.
    do {
      found = ::poll(&ready, 1, kPatienceMs);
    } while (found < 0 && errno == EINTR);
    require(found > 0, "the daemon answers or closes");
  }

 private:
  int fd_;
};

}  // namespace

InnerDaemon::InnerDaemon(std::shared_ptr<const Runtime> runtime)
    : runtimes_(std::move(runtime)), logger_(to_syslog()), reports_(logger_, metrics_, 0) {
  // Ours and libmilter's lines go nowhere.
  setlogmask(LOG_MASK(LOG_EMERG));
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "socket").string();
  const auto name = SocketAddress::of_file(path);
  require(static_cast<bool>(register_milter({runtimes_, logger_, metrics_, reports_, 0}, name)),
          "registered");
  const auto listening = ListeningSocket::open(name, {.socket_group = ""}, logger_);
  require(static_cast<bool>(listening), "the socket opens");
  // A crash must leave nothing behind, so the file goes at once. Who holds it finds it still.
  const int held = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  require(held >= 0, "the socket is there");
  socket_ = "/proc/self/fd/" + std::to_string(held);
  std::thread(run_milter).detach();
}

std::string InnerDaemon::exchange(std::string_view octets) const {
  const Socket socket;
  socket.connect(socket_);
  std::string received;
  bool open = true;
  // Reads while it writes, for the daemon does not read while nobody takes its replies.
  while (!octets.empty() && open) {
    octets = socket.send(octets);
    if (!octets.empty()) {
      socket.wait(POLLIN | POLLOUT);
      open = socket.receive(received);
    }
  }
  socket.end();
  while (open) {
    socket.wait(POLLIN);
    open = socket.receive(received);
  }
  return received;
}

}  // namespace authmilter::fuzz
