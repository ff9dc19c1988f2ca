#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include <authmilter/daemon_status.h>

using namespace authmilter;

TEST_CASE("what an operator should look at") {
  constexpr std::int64_t kNow = 1'800'000'000;
  const struct {
    std::string why;
    std::function<void(DaemonStatus&)> change;
    std::vector<std::string> warnings;
  } rows[] = {
      {"all is well", [](auto&) {}, {}},
      {"a reload was refused",
       [](auto& s) { s.processes = {{.socket = "a", .last_reload_good = false}}; },
       {"a: the last reload was refused, the old configuration is in force"}},
      {"few descriptors are left",
       [](auto& s) {
         s.processes = {{.socket = "a", .open_descriptors = 81, .descriptor_limit = 100}};
       },
       {"a: 81 of 100 file descriptors are in use"}},
      {"enough are left",
       [](auto& s) {
         s.processes = {{.socket = "a", .open_descriptors = 80, .descriptor_limit = 100}};
       },
       {}},
      {"no limit",
       [](auto& s) {
         s.processes = {{.socket = "a", .open_descriptors = 81, .descriptor_limit = UINT64_MAX}};
       },
       {}},
      {"of each process",
       [](auto& s) {
         s.processes = {{.socket = "a"}, {.socket = "b", .last_reload_good = false}};
       },
       {"b: the last reload was refused, the old configuration is in force"}},
      {"a key of a year and a second",
       [](auto& s) {
         s.keys = {{.domain = "d.example", .selector = "s", .written = 1'768'463'999}};
       },
       {"the key s._domainkey.d.example is older than a year"}},
      {"a key of a year",
       [](auto& s) {
         s.keys = {{.domain = "d.example", .selector = "s", .written = 1'768'464'000}};
       },
       {}},
      {"signing failed",
       [](auto& s) {
         s.signing.failures = {{"a", 2}, {"b", 1}};
       },
       {"3 messages could not be signed"}},
      {"the DNS is in trouble",
       [](auto& s) {
         s.dns.recent_queries = 20;
         s.dns.recent_failures = {{"timeout", 17}, {"bogus", 1}};
         s.dns.trouble = "timeout";
       },
       {"18 of 20 DNS queries of the last ten minutes failed, most by timeout: authmilter "
        "check-dns says what may be wrong"}},
      {"some of it fails, as it always does",
       [](auto& s) {
         s.dns.recent_queries = 20;
         s.dns.recent_failures = {{"timeout", 5}};
       },
       {}},
      {"internal errors",
       [](auto& s) { s.internal_errors = 4; },
       {"4 internal errors, see the log"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DaemonStatus status;
    row.change(status);
    CHECK(warnings_of(status, kNow) == row.warnings);
  }
}
