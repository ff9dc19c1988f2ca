#include <authmilter/socket_address.h>

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;

TEST_CASE("an address and a port have one notation") {
  const struct {
    const char* text;
    const char* printed;  // null: refused
  } rows[] = {
      {"127.0.0.1:9253", "127.0.0.1:9253"},
      {"[::1]:9253", "[::1]:9253"},
      {"[2001:DB8:0::1]:1", "[2001:db8::1]:1"},
      {"0.0.0.0:65535", "0.0.0.0:65535"},
      {"::1:9253", nullptr},  // whose port could be the address's end
      {"[127.0.0.1]:9253", nullptr},
      {"[::1:9253", nullptr},
      {"::1]:9253", nullptr},
      {"127.0.0.1", nullptr},
      {"127.0.0.1:", nullptr},
      {"127.0.0.1:0", nullptr},
      {"127.0.0.1:65536", nullptr},
      {"127.0.0.1:+80", nullptr},
      {"127.0.0.1:80 ", nullptr},
      {":9253", nullptr},
      {"localhost:9253", nullptr},
      {"metrics:9253", nullptr},
      {"", nullptr},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto place = HostPort::parse(row.text);
    REQUIRE(place.has_value() == (row.printed != nullptr));
    if (!place) continue;
    CHECK(place->text() == row.printed);
    CHECK(HostPort::parse(place->text()) == place);
  }
}

TEST_CASE("a socket is read as libmilter reads it, and only unix sockets have a file") {
  const struct {
    const char* text;
    const char* printed;
    const char* file;  // null: none
    bool of_this_host;
  } rows[] = {
      {"unix:/run/x.sock", "unix:/run/x.sock", "/run/x.sock", true},
      {"local:/run/x.sock", "unix:/run/x.sock", "/run/x.sock", true},
      {"inet:8891@127.0.0.1", "inet:8891@127.0.0.1", nullptr, true},
      {"inet:8891@[127.0.0.1]", "inet:8891@127.0.0.1", nullptr, true},
      {"inet:8891@LOCALHOST", "inet:8891@localhost", nullptr, true},
      {"inet6:8891@localhost", "inet6:8891@localhost", nullptr, true},
      {"inet6:8891@::1", "inet6:8891@[::1]", nullptr, true},
      {"inet6:8891@[::1]", "inet6:8891@[::1]", nullptr, true},
      {"inet:8891@0.0.0.0", "inet:8891@0.0.0.0", nullptr, false},
      {"inet6:8891@[2001:db8::1]", "inet6:8891@[2001:db8::1]", nullptr, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto socket = SocketAddress::parse(row.text);
    REQUIRE(socket);
    CHECK(socket->text() == row.printed);
    REQUIRE((socket->file() != nullptr) == (row.file != nullptr));
    if (row.file != nullptr) CHECK(*socket->file() == row.file);
    CHECK(socket->is_of_this_host() == row.of_this_host);
    CHECK(*SocketAddress::parse(socket->text()) == *socket);
  }
}

TEST_CASE("what libmilter would read otherwise than it looks is not a socket") {
  const struct {
    std::string text;
    const char* complaint;
  } rows[] = {
      {"unix:", "needs an absolute path"},
      {"unix:x.sock", "needs an absolute path"},
      {"unix:/", "has no usable path"},
      {"unix:/run/", "has no usable path"},
      {"unix:/run/a b", "has no usable path"},
      {"unix:/" + std::string(107, 'x'), "has a path longer than 107 octets"},
      {"inet:8891", "is not a socket, write \"inet:PORT@ADDRESS\" with an IPv4 address"},
      {"inet:8891@::1", "is not a socket, write \"inet:PORT@ADDRESS\" with an IPv4 address"},
      {"inet:0@127.0.0.1", "is not a socket, write \"inet:PORT@ADDRESS\" with an IPv4 address"},
      {"inet6:8891@127.0.0.1",
       "is not a socket, write \"inet6:PORT@[ADDRESS]\" with an IPv6 address"},
      {"/run/x.sock",
       "is not a socket, write \"unix:/PATH\", \"inet:PORT@ADDRESS\" or "
       "\"inet6:PORT@[ADDRESS]\""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto socket = SocketAddress::parse(row.text);
    REQUIRE_FALSE(socket);
    CHECK(socket.error().message == row.complaint);
  }
}

TEST_CASE("the longest path that a socket can have is taken") {
  CHECK(SocketAddress::parse("unix:/" + std::string(106, 'x')));
}
