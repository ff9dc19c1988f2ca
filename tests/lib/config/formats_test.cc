#include "config/formats.h"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace authmilter;

template <class T>
std::string text_of(const Result<T>& result) {
  return result ? std::string(*result) : "refused";
}

std::string text_of(const Result<std::chrono::milliseconds>& result) {
  return result ? std::to_string(result->count()) : "refused";
}

std::string text_of(const Result<unsigned>& result) {
  return result ? std::to_string(*result) : "refused";
}

template <class T>
requires requires(const T& value) { value.text(); }
std::string text_of(const Result<T>& result) { return result ? result->text() : "refused"; }

std::string text_of(const Result<std::optional<HostPort>>& result) {
  if (!result) return "refused";
  return *result ? (*result)->text() : "";
}

struct Row {
  std::string why;
  std::string text;
  const char* value;  // in its one form, or "refused"
};

template <std::size_t N, class T>
void check(const Row (&rows)[N], Result<T> (*parse)(std::string_view)) {
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(text_of(parse(row.text)) == row.value);
  }
}

}  // namespace

TEST_CASE("durations are numbers with a unit") {
  const Row rows[] = {
      {"seconds", "5s", "5000"},
      {"milliseconds", "500ms", "500"},
      {"minutes", "2m", "120000"},
      {"zero is a duration; a range refuses it", "0s", "0"},
      {"no unit", "5", "refused"},
      {"no number", "s", "refused"},
      {"hours", "1h", "3600000"},
      {"days", "7d", "604800000"},
      {"weeks", "1w", "refused"},
      {"fraction", "1.5s", "refused"},
      {"sign", "-1s", "refused"},
      {"blank", "5 s", "refused"},
      {"upper case", "5S", "refused"},
      {"nine digits", "999999999ms", "999999999"},
      {"ten digits", "1000000000ms", "refused"},
      {"nothing", "", "refused"},
  };
  check(rows, parse_duration);
  CHECK(print_duration(std::chrono::milliseconds(120'000)) == "120s");
  CHECK(print_duration(std::chrono::milliseconds(1500)) == "1500ms");
}

TEST_CASE("sockets are written as libmilter reads them") {
  const Row rows[] = {
      {"unix", "unix:/run/authmilter/a.sock", "unix:/run/authmilter/a.sock"},
      {"local is its other name", "local:/run/a.sock", "unix:/run/a.sock"},
      {"relative path", "unix:run/a.sock", "refused"},
      {"no path", "unix:", "refused"},
      {"directory", "unix:/run/", "refused"},
      {"blank in the path", "unix:/run/a b", "refused"},
      {"107 octets fit into a socket's address", "unix:/" + std::string(106, 'a'),
       "unix:/"
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
       "aaaaaaaaaaaaaaaaaaa"},
      {"108 do not", "unix:/" + std::string(107, 'a'), "refused"},
      {"inet", "inet:8891@127.0.0.1", "inet:8891@127.0.0.1"},
      {"inet by the usual name", "inet:8891@localhost", "inet:8891@localhost"},
      {"every address, said aloud", "inet:8891@0.0.0.0", "inet:8891@0.0.0.0"},
      {"every address, by omission", "inet:8891", "refused"},
      {"other host names", "inet:8891@mx.example.org", "refused"},
      {"no port", "inet:@127.0.0.1", "refused"},
      {"port 0", "inet:0@127.0.0.1", "refused"},
      {"port 65536", "inet:65536@127.0.0.1", "refused"},
      {"service name", "inet:smtp@127.0.0.1", "refused"},
      {"IPv6 address for inet", "inet:8891@[::1]", "refused"},
      {"inet6", "inet6:8891@[::1]", "inet6:8891@[::1]"},
      {"inet6 without brackets", "inet6:8891@::1", "inet6:8891@[::1]"},
      {"IPv4 address for inet6", "inet6:8891@127.0.0.1", "refused"},
      {"broken bracket", "inet6:8891@[::1", "refused"},
      {"a path alone", "/run/a.sock", "refused"},
      {"unknown scheme", "tcp:8891@127.0.0.1", "refused"},
      {"nothing", "", "refused"},
  };
  check(rows, parse_socket);
}

TEST_CASE("a socket's mode is octal") {
  const Row rows[] = {
      {"four digits", "0660", "432"},   {"three digits", "660", "432"},
      {"all bits", "0777", "511"},      {"set-uid", "4755", "refused"},
      {"not octal", "0680", "refused"}, {"two digits", "66", "refused"},
      {"nothing", "", "refused"},
  };
  check(rows, parse_socket_mode);
}

TEST_CASE("a group is a name, or nothing") {
  const Row rows[] = {
      {"name", "postfix", "postfix"},     {"number", "1000", "1000"},  {"left as it is", "", ""},
      {"blank", "mail users", "refused"}, {"option", "-r", "refused"}, {"colon", "a:b", "refused"},
  };
  check(rows, parse_group);
}

TEST_CASE("name servers are addresses") {
  const Row rows[] = {
      {"IPv4", "192.0.2.53", "192.0.2.53"},
      {"with a port", "127.0.0.1@5353", "127.0.0.1@5353"},
      {"IPv6", "2001:DB8::53", "2001:db8::53"},
      {"IPv6 with a port", "::1@5353", "::1@5353"},
      {"colon before the port", "127.0.0.1:5353", "refused"},
      {"empty port", "127.0.0.1@", "refused"},
      {"port 0", "127.0.0.1@0", "refused"},
      {"name", "ns.example.org", "refused"},
      {"network", "192.0.2.0/24", "refused"},
      {"nothing", "", "refused"},
  };
  check(rows, parse_nameserver);
}

TEST_CASE("the metrics' address") {
  const Row rows[] = {
      {"IPv4", "127.0.0.1:9253", "127.0.0.1:9253"},
      {"IPv6", "[::1]:9253", "[::1]:9253"},
      {"switched off", "", ""},
      {"IPv6 without brackets could mean two things", "::1:9253", "refused"},
      {"IPv4 in brackets", "[127.0.0.1]:9253", "refused"},
      {"no port", "127.0.0.1", "refused"},
      {"empty port", "127.0.0.1:", "refused"},
      {"port 65536", "127.0.0.1:65536", "refused"},
      {"name", "localhost:9253", "refused"},
      {"port alone", ":9253", "refused"},
  };
  check(rows, parse_listen);
}

TEST_CASE("networks") {
  const Row rows[] = {
      {"IPv4", "192.0.2.0/24", "192.0.2.0/24"},   {"single address", "192.0.2.1", "192.0.2.1/32"},
      {"IPv6", "2001:db8::/32", "2001:db8::/32"}, {"prefix too long", "192.0.2.0/33", "refused"},
      {"name", "example.org", "refused"},
  };
  check(rows, parse_network);
}

TEST_CASE("patterns of domains and addresses take the form in which they are compared") {
  const Row domains[] = {
      {"domain", "Example.ORG.", "example.org"},
      {"below a domain", "*.Example.org", "*.example.org"},
      {"U-label",
       "b\xc3\xbc"
       "cher.example",
       "xn--bcher-kva.example"},
      {"star alone", "*", "refused"},
      {"star inside", "a.*.example.org", "refused"},
      {"star without a dot", "*example.org", "refused"},
      {"address", "user@example.org", "refused"},
      {"nothing", "", "refused"},
  };
  check(domains, parse_domain_pattern);
  const Row addresses[] = {
      {"null reverse-path", "<>", "<>"},
      {"address", "User@Example.ORG", "User@example.org"},
      {"every mailbox of a domain", "@Example.org", "@example.org"},
      {"domain", "example.org", "example.org"},
      {"below a domain", "*.example.org", "*.example.org"},
      {"quoted local part", "\"a@b\"@example.org", "\"a@b\"@example.org"},
      {"brackets are the envelope's", "<user@example.org>", "refused"},
      {"two addresses", "a@example.org,b@example.org", "refused"},
      {"no domain", "user@", "refused"},
      {"star as mailbox", "@*.example.org", "refused"},
      {"nothing", "", "refused"},
  };
  check(addresses, parse_mail_from_pattern);
  CHECK_FALSE(parse_recipient_pattern("<>"));
}

TEST_CASE("fields that may be signed (RFC 6376 sections 3.5 and 5.4)") {
  const Row rows[] = {
      {"one case", "List-Id", "list-id"},
      {"digits", "X-Header2", "x-header2"},
      {"colon", "from:subject", "refused"},
      {"semicolon ends the tag", "from;d=example.org", "refused"},
      {"blank", "from ", "refused"},
      {"dots", "...", "refused"},
      {"rewritten at delivery", "Return-Path", "refused"},
      {"removed by ourselves", "Authentication-Results", "refused"},
      {"the signature's own field", "DKIM-Signature", "refused"},
      {"nothing", "", "refused"},
  };
  check(rows, parse_signed_header);
}

TEST_CASE("what a Subject and a file's name may hold") {
  const Row tags[] = {
      {"tag", "[possibly forged] ", "[possibly forged] "},
      {"none", "", ""},
      {"tab", "a\tb", "refused"},
      {"line feed", "a\nb", "refused"},
      {"201 octets", std::string(201, 'a'), "refused"},
  };
  check(tags, parse_subject_tag);
  CHECK(parse_subject_tag(std::string(200, 'a')));
  const Row paths[] = {
      {"absolute", "/etc/authmilter/keys/a.pem", "/etc/authmilter/keys/a.pem"},
      {"relative", "keys/a.pem", "keys/a.pem"},
      {"not ASCII", "/etc/schl\xc3\xbcssel", "/etc/schl\xc3\xbcssel"},
      {"NUL", std::string("/etc/a\0b", 8), "refused"},
      {"nothing", "", "refused"},
  };
  check(paths, parse_path);
}
