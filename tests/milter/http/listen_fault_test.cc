#include "http/listen_fault.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "metrics/metrics.h"
#include "metrics/metrics_server.h"

using namespace authmilter;

namespace {

/// Something that listens on a port of the loopback that the system chose.
class Occupied {
 public:
  Occupied() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the socket calls are made so
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(fd_, 1) == 0);
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
    port_ = ntohs(address.sin_port);
  }
  ~Occupied() { close(fd_); }
  Occupied(const Occupied&) = delete;
  Occupied& operator=(const Occupied&) = delete;
  HostPort place() const { return {*IpAddress::parse("127.0.0.1"), port_}; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

HostPort place(const char* text) { return HostPort::parse(text).value(); }

}  // namespace

TEST_CASE("why nobody can listen on an address is said, and what to do") {
  const Occupied occupied;
  const struct {
    std::string why;
    HostPort listen;
    std::string words;
  } rows[] = {
      {"taken", occupied.place(), "another program listens there already"},
      {"an address of others", place("192.0.2.1:9253"), "this host does not have that address"},
      {"IPv6", place("[2001:db8::1]:9253"), "not have that address"},
  };
  for (const auto& row : rows) {
    const std::string fault = http::listen_fault(row.listen);
    CAPTURE(row.why);
    CAPTURE(fault);
    // A host without IPv6 has another reason for that row.
    CHECK((fault.find(row.words) != std::string::npos || row.why == "IPv6"));
    CHECK(!fault.empty());
  }
}

TEST_CASE("metrics that cannot be served name the setting and the cause") {
  const Occupied occupied;
  Metrics* metrics = Metrics::make_shared();
  REQUIRE(metrics != nullptr);
  const auto server = MetricsServer::start(occupied.place(), {}, *metrics);
  REQUIRE(!server);
  CHECK(server.error().message.starts_with("metrics.listen: cannot listen on " +
                                           occupied.place().text() + ": another program"));
}
