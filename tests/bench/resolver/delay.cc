// A name server at a distance: passes each UDP datagram on at once, and holds each answer until
// the delay since its question is over. Nothing waits for anything else.
//
//   bench_delay LISTEN_PORT SERVER_PORT MILLISECONDS   (both on 127.0.0.1)
//
// At SIGTERM prints "QUESTIONS MEAN_IN_FLIGHT MOST_IN_FLIGHT".

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t g_stopped = 0;
extern "C" void stop(int) { g_stopped = 1; }

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10)));
  return address;
}

int udp_socket() {
  const int made = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (made < 0) die("socket");
  const int octets = 8 << 20;
  ::setsockopt(made, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  ::setsockopt(made, SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets);
  return made;
}

/// A question under way, by the number that the server knows it by.
struct Asked {
  sockaddr_in from{};
  std::uint16_t id = 0;  // the asker's
  Clock::time_point since;
  bool open = false;
};

struct Held {
  std::vector<char> answer;
  sockaddr_in to;
  Clock::time_point until;
};

class Distance {
 public:
  Distance(const char* listen, const char* server, std::chrono::milliseconds delay)
      : front_(udp_socket()), back_(udp_socket()), delay_(delay) {
    const sockaddr_in here = loopback(listen), there = loopback(server);
    if (::bind(front_, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) die("bind");
    if (::connect(back_, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0)
      die("connect");
  }

  void run() {
    last_ = Clock::now();
    while (g_stopped == 0) {
      pollfd sockets[] = {{front_, POLLIN, 0}, {back_, POLLIN, 0}};
      timespec wait{1, 0};
      if (!held_.empty()) {
        const auto left = std::max(held_.front().until - Clock::now(), Clock::duration::zero());
        wait = {0, std::chrono::duration_cast<std::chrono::nanoseconds>(left).count()};
      }
      ::ppoll(sockets, 2, &wait, nullptr);
      take_questions();
      take_answers();
      give_answers();
    }
    std::printf("%zu %.1f %zu\n", questions_, busy_ > 0 ? area_ / busy_ : 0.0, most_);
  }

 private:
  void count(int change) {
    const auto now = Clock::now();
    const std::chrono::duration<double> since = now - last_;
    last_ = now;
    if (in_flight_ > 0) {
      area_ += static_cast<double>(in_flight_) * since.count();
      busy_ += since.count();
    }
    in_flight_ += static_cast<std::size_t>(change);
    most_ = std::max(most_, in_flight_);
  }

  void take_questions() {
    for (int i = 0; i < 256; ++i) {
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const ssize_t got = ::recvfrom(front_, buffer_.data(), buffer_.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &length);
      if (got < 2) return;
      const std::uint16_t id = next_++;
      // The oldest of them all: its answer will not come any more.
      if (asked_[id].open) count(-1);
      asked_[id] = {from, read_id(), Clock::now(), true};
      write_id(id);
      ::send(back_, buffer_.data(), static_cast<std::size_t>(got), 0);
      ++questions_;
      count(1);
    }
  }

  void take_answers() {
    for (int i = 0; i < 256; ++i) {
      const ssize_t got = ::recv(back_, buffer_.data(), buffer_.size(), 0);
      if (got < 2) return;
      Asked& asked = asked_[read_id()];
      if (!asked.open) continue;
      asked.open = false;
      write_id(asked.id);
      // The delay is the same for all, so that the first in is the first out.
      held_.push_back({{buffer_.data(), buffer_.data() + got}, asked.from, asked.since + delay_});
    }
  }

  void give_answers() {
    const auto now = Clock::now();
    while (!held_.empty() && held_.front().until <= now) {
      const Held& held = held_.front();
      ::sendto(front_, held.answer.data(), held.answer.size(), 0,
               reinterpret_cast<const sockaddr*>(&held.to), sizeof held.to);
      held_.pop_front();
      count(-1);
    }
  }

  std::uint16_t read_id() const {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(buffer_[0]) << 8U |
                                      static_cast<unsigned char>(buffer_[1]));
  }
  void write_id(std::uint16_t id) {
    buffer_[0] = static_cast<char>(id >> 8U);
    buffer_[1] = static_cast<char>(id & 0xffU);
  }

  const int front_, back_;
  const std::chrono::milliseconds delay_;
  std::array<char, 65536> buffer_{};
  std::vector<Asked> asked_ = std::vector<Asked>(65536);
  std::uint16_t next_ = 0;
  std::deque<Held> held_;
  std::size_t questions_ = 0, in_flight_ = 0, most_ = 0;
  double area_ = 0, busy_ = 0;
  Clock::time_point last_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_delay LISTEN_PORT SERVER_PORT MILLISECONDS\n");
    return 1;
  }
  std::signal(SIGTERM, stop);
  Distance(argv[1], argv[2], std::chrono::milliseconds(std::strtoul(argv[3], nullptr, 10))).run();
  return 0;
}
