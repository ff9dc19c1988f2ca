#include "tls/tcp_stream.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "base/descriptor.h"

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

std::chrono::steady_clock::time_point in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

/// A listener on the loopback interface.
struct Listener {
  Listener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket.get(), generic, size) == 0);
    REQUIRE(::getsockname(socket.get(), generic, &size) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    port = ntohs(address.sin_port);
  }
  int accept() const { return ::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC); }

  Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port = 0;
};

const IpAddress kLoopback = IpAddress::parse("127.0.0.1").value();

}  // namespace

TEST_CASE("octets, silence, the end and a reset are different things") {
  const Listener listener;
  const Dialled dialled = dial_tcp(kLoopback, listener.port, in(2s));
  REQUIRE(dialled.stream);
  CHECK(dialled.same_host);
  CHECK(dialled.stream->read(in(20ms)).state == StreamState::late);
  {
    const Descriptor peer(listener.accept());
    REQUIRE(::send(peer.get(), "hello", 5, MSG_NOSIGNAL) == 5);
    const StreamRead got = dialled.stream->read(in(2s));
    CHECK(got.state == StreamState::octets);
    CHECK(got.octets == "hello");
  }
  CHECK(dialled.stream->read(in(2s)).state == StreamState::ended);
  const Dialled other = dial_tcp(kLoopback, listener.port, in(2s));
  REQUIRE(other.stream);
  {
    const Descriptor peer(listener.accept());
    const linger at_once{1, 0};
    ::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  CHECK(other.stream->read(in(2s)).state == StreamState::reset);
  // Written into nowhere, without a signal.
  CHECK_FALSE(other.stream->write("x", in(2s)));
}

TEST_CASE("nobody is there") {
  const Dialled dialled = dial_tcp(kLoopback, 1, in(2s));
  CHECK_FALSE(dialled.stream);
  CHECK(dialled.trouble == "Connection refused");
}
