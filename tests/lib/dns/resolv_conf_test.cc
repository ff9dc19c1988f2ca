#include "dns/resolv_conf.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temporary_folder.h"

using namespace authmilter;

namespace {

std::string joined(const std::vector<NameServer>& servers) {
  std::string text;
  for (const auto& server : servers) text += (text.empty() ? "" : " ") + server.text();
  return text;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : "; ") + text;
  return all;
}

}  // namespace

TEST_CASE("a name server is an address, a port and a scope (RFC 4007 section 11)") {
  const struct {
    const char* text;
    const char* means;  // empty: it is none
  } rows[] = {
      {"192.0.2.53", "192.0.2.53"},
      {"192.0.2.53@53", "192.0.2.53"},
      {"127.0.0.1@5353", "127.0.0.1@5353"},
      {"::ffff:192.0.2.53", "192.0.2.53"},
      {"2001:DB8::53@54", "2001:db8::53@54"},
      {"fe80::1%eth0", "fe80::1%eth0"},
      {"fe80::1%eth0.100@5353", "fe80::1%eth0.100@5353"},
      {"fe80::1%2", "fe80::1%2"},
      {"fe80::1", "fe80::1"},
      {"2001:db8::53%eth0", ""},
      {"192.0.2.53%eth0", ""},
      {"fe80::1%", ""},
      {"fe80::1%interface-too-long", ""},
      {"fe80::1%eth0 x", ""},
      {"192.0.2.53@", ""},
      {"192.0.2.53@0", ""},
      {"192.0.2.53@65536", ""},
      {"192.0.2.53@+1", ""},
      {"192.0.2.53:53", ""},
      {"[2001:db8::53]@53", ""},
      {"ns.example.org", ""},
      {"", ""},
      {"@53", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto server = NameServer::parse(row.text);
    CHECK((server ? server->text() : "") == row.means);
  }
}

TEST_CASE("resolv.conf(5), as glibc reads it") {
  const struct {
    const char* why;
    std::string text;
    const char* servers;
    const char* passed_over;
  } rows[] = {
      {"usual", "search example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n",
       "192.0.2.1 2001:db8::1", ""},
      {"an empty file means the server on this host", "", "127.0.0.1", ""},
      {"so does one without servers", "search example.org\noptions edns0 trust-ad\n", "127.0.0.1",
       ""},
      {"a line end is not needed", "nameserver 192.0.2.1", "192.0.2.1", ""},
      {"CRLF, tabs and blanks", "nameserver\t 192.0.2.1 \r\n nameserver 192.0.2.2\r\n",
       "192.0.2.1 192.0.2.2", ""},
      {"comments",
       "# nameserver 192.0.2.9\n;nameserver 192.0.2.9\nnameserver 192.0.2.1 # old\n"
       "nameserver 192.0.2.2;x\nnameserver 192.0.2.3#53\n",
       "192.0.2.1 192.0.2.2 192.0.2.3", ""},
      {"no more than three",
       "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n",
       "192.0.2.1 192.0.2.2 192.0.2.3", "line 4: only the first 3 name servers are asked"},
      {"nothing behind the keyword", "nameserver\nnameserver \nnameserver 192.0.2.1\n", "192.0.2.1",
       "line 1: names no address; line 2: names no address"},
      {"a name", "nameserver ns.example.org\nnameserver 192.0.2.1\n", "192.0.2.1",
       "line 1: \"ns.example.org\" is not an address"},
      {"ADDRESS:PORT", "nameserver 192.0.2.1:53\n", "127.0.0.1",
       "line 1: \"192.0.2.1:53\" is not an address"},
      {"[ADDRESS]:PORT", "nameserver [2001:db8::1]:53\nnameserver 192.0.2.1\n", "192.0.2.1",
       "line 1: \"[2001:db8::1]:53\" is not an address"},
      {"the notation of our own configuration", "nameserver 192.0.2.1@54\n", "127.0.0.1",
       "line 1: \"192.0.2.1@54\" is not an address"},
      {"a scope", "nameserver fe80::1%eth0\n", "fe80::1%eth0", ""},
      {"the unspecified address is this host", "nameserver 0.0.0.0\nnameserver ::\n",
       "127.0.0.1 ::1", ""},
      {"another keyword", "nameservers 192.0.2.9\nnameserver192.0.2.9\nNAMESERVER 192.0.2.9\n",
       "127.0.0.1", ""},
      {"octets that nobody should see", "nameserver \x1b[2J\n", "127.0.0.1",
       "line 1: \"\\x1b[2J\" is not an address"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto system = parse_resolv_conf(row.text);
    CHECK(joined(system.servers) == row.servers);
    CHECK(joined(system.passed_over) == row.passed_over);
  }
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "nameserver x\n";
  CHECK(parse_resolv_conf(many).passed_over.size() == 9);
  CHECK(parse_resolv_conf(many).passed_over.back() == "992 more lines");
}

TEST_CASE("a resolv.conf that is not there, or is something else") {
  const TemporaryFolder folder;
  const auto path = [&](const char* name) { return (folder.path() / name).string(); };
  std::ofstream(path("good")) << "nameserver 192.0.2.1\n";
  std::ofstream(path("large")) << std::string(70'000, '#') << "\nnameserver 192.0.2.1\n";
  std::filesystem::create_symlink("good", path("link"));
  std::filesystem::create_symlink("nothing", path("dangling"));
  std::filesystem::create_symlink("loop", path("loop"));
  std::filesystem::create_directory(path("directory"));
  REQUIRE(mkfifo(path("pipe").c_str(), 0600) == 0);
  const struct {
    const char* name;
    const char* servers;
    const char* passed_over;
  } rows[] = {
      {"good", "192.0.2.1", ""},
      {"link", "192.0.2.1", ""},
      {"nothing", "127.0.0.1", ""},
      {"dangling", "127.0.0.1", ""},
      {"good/x", "127.0.0.1", ""},
      {"loop", "127.0.0.1", "Too many levels of symbolic links"},
      {"directory", "127.0.0.1", "is not a regular file"},
      {"pipe", "127.0.0.1", "is not a regular file"},
      {"large", "127.0.0.1", "is larger than 65536 octets"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto system = read_resolv_conf(path(row.name));
    CHECK(joined(system.servers) == row.servers);
    CHECK(joined(system.passed_over) == row.passed_over);
  }
}
