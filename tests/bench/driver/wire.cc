#include "wire.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace bench {
namespace {

constexpr timeval kPatience{.tv_sec = 60, .tv_usec = 0};
constexpr std::size_t kWriteAt = std::size_t{64} << 10;
constexpr std::size_t kReadAtOnce = std::size_t{8} << 10;
constexpr std::uint32_t kLongestReply = 1U << 24;

[[noreturn]] void fail(const std::string& what) {
  throw FilterError(what + ": " + std::strerror(errno));
}

}  // namespace

std::string wire_number(std::uint32_t value) {
  const std::uint32_t order = htonl(value);
  std::string octets(sizeof order, '\0');
  std::memcpy(octets.data(), &order, sizeof order);
  return octets;
}

std::uint32_t number_at(std::string_view data) {
  std::uint32_t order = 0;
  if (data.size() < sizeof order) throw FilterError("a reply is too short");
  std::memcpy(&order, data.data(), sizeof order);
  return ntohl(order);
}

Connection::Connection(const std::string& path)
    : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (descriptor_ < 0) fail("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw FilterError(path + ": too long a path");
  std::memcpy(address.sun_path, path.data(), path.size());
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what connect() takes
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    ::close(descriptor_);
    errno = error;
    fail(path);
  }
}

Connection::~Connection() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Connection::Connection(Connection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      out_(std::move(other.out_)),
      in_(std::move(other.in_)),
      read_(other.read_) {}

void Connection::send(Command command, std::initializer_list<std::string_view> parts) {
  std::size_t octets = 1;
  for (const auto part : parts) octets += part.size();
  out_ += wire_number(static_cast<std::uint32_t>(octets));
  out_ += static_cast<char>(command);
  for (const auto part : parts) out_ += part;
  if (out_.size() >= kWriteAt) flush();
}

void Connection::flush() {
  write_all(out_);
  out_.clear();
}

Connection::Packet Connection::receive() {
  flush();
  fill(sizeof(std::uint32_t));
  const std::uint32_t octets = number_at(std::string_view(in_).substr(read_));
  if (octets == 0 || octets > kLongestReply) throw FilterError("a reply has an impossible length");
  fill(sizeof(std::uint32_t) + octets);
  const auto packet = std::string_view(in_).substr(read_ + sizeof(std::uint32_t), octets);
  read_ += sizeof(std::uint32_t) + octets;
  return {static_cast<Reply>(packet.front()), packet.substr(1)};
}

void Connection::write_all(std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t written = ::send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("the filter does not read");
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Until there are as many octets to read.
void Connection::fill(std::size_t octets) {
  if (in_.size() - read_ >= octets) return;
  in_.erase(0, read_);
  read_ = 0;
  while (in_.size() < octets) {
    const std::size_t had = in_.size();
    in_.resize(had + kReadAtOnce);
    const ssize_t got = ::recv(descriptor_, in_.data() + had, kReadAtOnce, 0);
    in_.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got == 0) throw FilterError("the filter has closed the connection");
    if (got < 0 && errno != EINTR) fail("the filter does not answer");
  }
}

}  // namespace bench
