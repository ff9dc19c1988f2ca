#include "status/fetch_status.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace authmilter::tools {
namespace {

using Clock = std::chrono::steady_clock;

// A daemon's status is some 5 KiB, and 200 octets more for each key and socket.
constexpr std::size_t kAnswerOctets = 4U << 20U;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// A connection that does nothing beyond its deadline. Errors are errno's values.
class Connection {
 public:
  Connection(const HostPort& address, Clock::time_point deadline)
      : deadline_(deadline),
        socket_(::socket(address.address.is_v4() ? AF_INET : AF_INET6,
                         SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    error_ = socket_.get() < 0 ? errno : connect(address);
  }

  int error() const { return error_; }

  void send(std::string_view octets) {
    while (error_ == 0 && !octets.empty() && wait_for(POLLOUT)) {
      const auto sent = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        octets.remove_prefix(static_cast<std::size_t>(sent));
      } else if (!again()) {
        error_ = errno;
      }
    }
  }

  /// Everything up to the end of the connection.
  std::string receive() {
    std::string all;
    std::array<char, 16384> piece{};
    while (error_ == 0 && wait_for(POLLIN)) {
      const auto got = recv(socket_.get(), piece.data(), piece.size(), 0);
      if (got == 0) break;
      if (got < 0 && !again()) error_ = errno;
      if (got > 0) all.append(piece.data(), static_cast<std::size_t>(got));
      if (all.size() > kAnswerOctets) error_ = EMSGSIZE;
    }
    return all;
  }

 private:
  static bool again() { return errno == EAGAIN || errno == EINTR; }

  int connect(const HostPort& address) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(address.port);
    if (getaddrinfo(address.address.text().c_str(), port.c_str(), &hints, &found) != 0)
      return EINVAL;
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> place(found, &freeaddrinfo);
    if (::connect(socket_.get(), place->ai_addr, place->ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    if (!wait_for(POLLOUT)) return error_;
    int result = 0;
    socklen_t result_size = sizeof result;
    return getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &result, &result_size) == 0 ? result
                                                                                       : errno;
  }

  bool wait_for(short events) {
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
      pollfd waited{socket_.get(), events, 0};
      const int ready = left.count() > 0 ? poll(&waited, 1, static_cast<int>(left.count())) : 0;
      if (ready > 0) return true;
      if (ready < 0 && errno == EINTR) continue;
      error_ = ready == 0 ? ETIMEDOUT : errno;
      return false;
    }
  }

  const Clock::time_point deadline_;
  const Descriptor socket_;
  int error_ = 0;
};

/// The number behind "Content-Length:"; nothing when the header has none.
std::optional<std::size_t> content_length(std::string_view header) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const std::size_t at = header.find(kName);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view digits = header.substr(at + kName.size());
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  return error == std::errc() ? std::optional(length) : std::nullopt;
}

}  // namespace

Result<std::string> fetch_status(const HostPort& address, std::chrono::milliseconds time) {
  const std::string url = fmt::format("http://{}/status", address.text());
  const auto strange = [&](std::string_view why) {
    return Error{fmt::format("{}: not authmilterd's status: {}", url, why)};
  };
  Connection connection(address, Clock::now() + time);
  connection.send(
      fmt::format("GET /status HTTP/1.0\r\nHost: {}\r\nConnection: close\r\n\r\n", address.text()));
  std::string answer = connection.receive();
  if (connection.error() == EMSGSIZE) return strange("the answer is too long");
  if (connection.error() != 0) {
    return Error{fmt::format("{}: {}", url, std::generic_category().message(connection.error()))};
  }
  const std::size_t end = answer.find("\r\n\r\n");
  constexpr std::size_t kStatusLine = 12;  // "HTTP/1.1 200"
  if (!answer.starts_with("HTTP/1.") || end == std::string::npos || end < kStatusLine)
    return strange("no HTTP answer");
  const auto header = std::string_view(answer).substr(0, end);
  // RFC 9112 section 4: "HTTP/1.1 200 OK".
  if (header.substr(8, 5) != " 200 " && header.substr(8, 6) != " 200\r\n") {
    return strange("the answer is not \"200 OK\"");
  }
  const auto length = content_length(header);
  answer.erase(0, end + 4);
  if (length && *length != answer.size()) return strange("the answer was cut off");
  return answer;
}

}  // namespace authmilter::tools
