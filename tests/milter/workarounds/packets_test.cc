#include "workarounds/packets.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>
#include <thread>

#include <doctest/doctest.h>

namespace authmilter {
namespace {

/// An MTA and the daemon's end of its connection.
struct Connection {
  Connection() {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    handle_packets(daemon());
  }
  ~Connection() {
    if (open) close(daemon());
    close(mta());
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int daemon() const { return ends[0]; }
  int mta() const { return ends[1]; }
  void send(std::string_view octets) const {
    REQUIRE(write(mta(), octets.data(), octets.size()) == static_cast<ssize_t>(octets.size()));
  }
  std::string received() const {
    std::string out(100, '\0');
    const ssize_t got = recv(mta(), out.data(), out.size(), MSG_DONTWAIT);
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }
  /// What the kernel still has for the daemon.
  int unread() const {
    int octets = -1;
    REQUIRE(ioctl(daemon(), FIONREAD, &octets) == 0);
    return octets;
  }

  std::array<int, 2> ends{};
  bool open = true;
};

bool waits(int descriptor) {
  pollfd one{descriptor, POLLIN | POLLPRI, 0};
  return poll(&one, 1, 0) == 1 && one.revents == POLLIN;
}

std::string taken(int descriptor, std::size_t octets) {
  std::string out(octets, '\0');
  const ssize_t got = read(descriptor, out.data(), octets);
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return out;
}

void put(int descriptor, std::string text) {
  const iovec piece{text.data(), text.size()};
  CHECK(writev(descriptor, &piece, 1) == static_cast<ssize_t>(text.size()));
}

TEST_CASE("what an MTA has sent is read in one piece, and handed out as it is asked for") {
  const Connection connection;
  connection.send("12345the rest and another");
  REQUIRE(waits(connection.daemon()));
  CHECK(taken(connection.daemon(), 5) == "12345");
  CHECK(connection.unread() == 0);
  CHECK(waits(connection.daemon()));
  CHECK(taken(connection.daemon(), 8) == "the rest");
  CHECK(waits(connection.daemon()));
  CHECK(taken(connection.daemon(), 1000) == " and another");
  CHECK_FALSE(waits(connection.daemon()));
  connection.send("more");
  CHECK(waits(connection.daemon()));
  CHECK(taken(connection.daemon(), 1000) == "more");
}

TEST_CASE("a long read goes to the kernel once nothing is kept") {
  const Connection connection;
  connection.send("12345" + std::string(20'000, 'b'));
  REQUIRE(waits(connection.daemon()));
  CHECK(taken(connection.daemon(), 5) == "12345");
  const std::string first = taken(connection.daemon(), 20'000);
  CHECK(first + taken(connection.daemon(), 20'000) == std::string(20'000, 'b'));
}

TEST_CASE("nothing is kept from who reads without having waited by poll()") {
  const Connection connection;
  connection.send("123456");
  CHECK(taken(connection.daemon(), 5) == "12345");
  CHECK(connection.unread() == 1);
}

TEST_CASE("other descriptors are read as ever") {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  REQUIRE(write(ends[1], "123456", 6) == 6);
  REQUIRE(waits(ends[0]));
  CHECK(taken(ends[0], 5) == "12345");
  int left = 0;
  REQUIRE(ioctl(ends[0], FIONREAD, &left) == 0);
  CHECK(left == 1);
  close(ends[0]);
  close(ends[1]);
}

/// Gives a connection's end away, as another thread does that has waited too long for its MTA.
void end_on_another_thread(Connection& connection) {
  std::thread([&connection] { close(connection.daemon()); }).join();
  connection.open = false;
}

TEST_CASE("what was kept of one connection is never another's of the same number") {
  Connection first;
  first.send("12345secret of the first");
  REQUIRE(waits(first.daemon()));
  CHECK(taken(first.daemon(), 5) == "12345");
  end_on_another_thread(first);

  Connection second;
  if (second.daemon() != first.daemon()) {  // on a free descriptor below it
    REQUIRE(dup2(second.daemon(), first.daemon()) == first.daemon());
    close(second.daemon());
    second.ends[0] = first.daemon();
    handle_packets(second.daemon());
  }
  CHECK_FALSE(waits(second.daemon()));
  second.send("of the second");
  REQUIRE(waits(second.daemon()));
  CHECK(taken(second.daemon(), 100) == "of the second");
}

TEST_CASE("a batch is sent in one piece, when it is told to") {
  const Connection connection;
  PacketBatch batch;
  put(connection.daemon(), "one,");
  put(connection.daemon(), "two");
  CHECK(connection.received().empty());
  CHECK(batch.send());
  CHECK(connection.received() == "one,two");
  put(connection.daemon(), "three");
  CHECK(connection.received() == "three");
}

TEST_CASE("of a batch that is given up nothing is sent") {
  const Connection connection;
  {
    const PacketBatch batch;
    put(connection.daemon(), "one");
  }
  CHECK(connection.received().empty());
}

TEST_CASE("a batch that the MTA does not take has failed") {
  Connection connection;
  shutdown(connection.daemon(), SHUT_WR);
  signal(SIGPIPE, SIG_IGN);  // as libmilter has it
  PacketBatch batch;
  put(connection.daemon(), "one");
  CHECK_FALSE(batch.send());
}

TEST_CASE("a batch may be longer than a connection takes at once") {
  const Connection connection;
  std::size_t got = 0;
  std::thread mta([&] {
    std::string octets(100'000, '\0');
    while (got < 2'000'000) {
      const ssize_t more = recv(connection.mta(), octets.data(), octets.size(), 0);
      if (more <= 0) break;
      got += static_cast<std::size_t>(more);
    }
  });
  PacketBatch batch;
  for (int i = 0; i < 2000; ++i) put(connection.daemon(), std::string(1000, 'x'));
  CHECK(batch.send());
  mta.join();
  CHECK(got == 2'000'000);
}

}  // namespace
}  // namespace authmilter
