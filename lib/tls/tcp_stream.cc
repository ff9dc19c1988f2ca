#include "tls/tcp_stream.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/descriptor.h"

namespace authmilter {
namespace {

constexpr std::size_t kReadOctets = 16 << 10;  // of one read: a TLS record

int milliseconds_until(StreamDeadline deadline) {
  using std::chrono::ceil;
  using std::chrono::milliseconds;
  constexpr milliseconds kMost{60'000};  // poll() takes an int
  const auto left = ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp(left, milliseconds(0), kMost).count());
}

/// Whether the descriptor is ready before the deadline.
bool wait_for(int descriptor, short events, StreamDeadline deadline) {
  for (;;) {
    pollfd watched{descriptor, events, 0};
    const int ready = ::poll(&watched, 1, milliseconds_until(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (std::chrono::steady_clock::now() >= deadline) return false;
  }
}

class TcpStream final : public ServerStream {
 public:
  explicit TcpStream(int descriptor) : socket_(descriptor) {}

  StreamRead read(StreamDeadline deadline) override {
    std::string octets(kReadOctets, '\0');
    for (;;) {
      const ssize_t got = ::recv(socket_.get(), octets.data(), octets.size(), 0);
      if (got == 0) return {StreamState::ended, {}};
      if (got > 0) {
        octets.resize(static_cast<std::size_t>(got));
        return {StreamState::octets, std::move(octets)};
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK)
        return {errno == ETIMEDOUT ? StreamState::late : StreamState::reset, {}};
      if (!wait_for(socket_.get(), POLLIN, deadline)) return {StreamState::late, {}};
    }
  }

  bool write(std::string_view octets, StreamDeadline deadline) override {
    while (!octets.empty()) {
      const ssize_t sent = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        octets.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!wait_for(socket_.get(), POLLOUT, deadline)) return false;
      } else if (errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  int descriptor() const { return socket_.get(); }
  bool open() const { return socket_.open(); }

 private:
  Descriptor socket_;
};

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketName name_of(const IpAddress& address, std::uint16_t port) {
  SocketName name;
  const auto octets = address.octets();
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, octets.data(), octets.size());
    std::memcpy(&name.storage, &v4, sizeof v4);
    name.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, octets.data(), octets.size());
    std::memcpy(&name.storage, &v6, sizeof v6);
    name.size = sizeof v6;
  }
  return name;
}

/// Whether our end of the connection has the address of the other.
bool has_own_end_at(int descriptor, const SocketName& other) {
  SocketName own;
  own.size = sizeof own.storage;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own.storage), &own.size) != 0 ||
      own.storage.ss_family != other.storage.ss_family)
    return false;
  const auto address_of = [](const SocketName& name) {
    std::string octets;
    if (name.storage.ss_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, &name.storage, sizeof v4);
      octets.assign(reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr);
    } else {
      sockaddr_in6 v6{};
      std::memcpy(&v6, &name.storage, sizeof v6);
      octets.assign(reinterpret_cast<const char*>(&v6.sin6_addr), sizeof v6.sin6_addr);
    }
    return octets;
  };
  return address_of(own) == address_of(other);
}

Dialled cannot(int code) { return {nullptr, std::generic_category().message(code), false}; }

}  // namespace

Dialled dial_tcp(const IpAddress& address, std::uint16_t port, StreamDeadline deadline) {
  const SocketName name = name_of(address, port);
  auto stream = std::make_unique<TcpStream>(
      ::socket(name.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!stream->open()) return cannot(errno);
  const int number = stream->descriptor();
  const auto* generic = reinterpret_cast<const sockaddr*>(&name.storage);
  if (::connect(number, generic, name.size) != 0) {
    if (errno != EINPROGRESS) return cannot(errno);
    if (!wait_for(number, POLLOUT, deadline)) return cannot(ETIMEDOUT);
    int code = 0;
    socklen_t size = sizeof code;
    if (::getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return cannot(errno);
    if (code != 0) return cannot(code);
  }
  return {std::move(stream), {}, has_own_end_at(number, name)};
}

}  // namespace authmilter
