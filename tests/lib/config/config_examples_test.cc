#include <authmilter/config.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

using namespace authmilter;

namespace {

Config parse(const std::string& text) {
  const auto config = parse_config(text, "x.toml", "MX.example.org.");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  return *config;
}

/// A compiler's cache may make __FILE__ relative to the build folder, so the program's own place, a
/// build folder in the repository, is asked too.
std::filesystem::path repository() {
  std::error_code ignored;
  for (const auto& start : {std::filesystem::path(__FILE__),
                            std::filesystem::read_symlink("/proc/self/exe", ignored)}) {
    const auto file = std::filesystem::absolute(start).lexically_normal();
    for (auto folder = file.parent_path(); folder != folder.root_path();
         folder = folder.parent_path()) {
      if (std::filesystem::exists(folder / "contrib/authmilter.toml")) return folder;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("the documented example is a configuration") {
  const Config config = parse(R"(
[milter]
socket = "unix:/run/authmilter/authmilter.sock"   # or "inet:8891@127.0.0.1", "inet6:8891@[::1]"; a list opens several
socket_mode = "0660"
socket_group = "postfix"

[identity]
authserv_id = "mx.example.org"          # default: the host's name
trusted_authserv_ids = []               # of an upstream border server whose results may stand

[network]
internal = ["127.0.0.0/8", "::1/128"]   # mail from here, and from authenticated users, is ours: signed, not judged

[dns]
nameservers = []                        # default: the system's; "192.0.2.53", "127.0.0.1@5353"
zones = []                              # master files that answer first: tests, split horizon
dnssec = "auto"                         # validate; "on" refuses unvalidatable upstreams, "off" never; auto says once in the log when
                                        # the upstream strips signatures and goes on without
timeout = "5s"                          # per query
message_timeout = "20s"                 # all of one message's lookups together

[verify]
mode = "enforce"                        # or "monitor": judge and report, change nothing but the results field
maximum_signatures = 10
minimum_rsa_bits = 1024

[policy]                                # result -> disposition
spf_fail = "tag"
spf_softfail = "accept"
dmarc_reject = "reject"
dmarc_quarantine = "quarantine"
dmarc_temperror = "tempfail"
tag_subject = ""                        # for example "[possibly forged] "

[[policy.override]]                     # first match wins; any of: client, author_domain, mail_from, recipient, dkim_domain
author_domain = "list.example.net"
dmarc_reject = "quarantine"

[signing]
headers = ["from", "subject", "date"]    # default: RFC 6376 section 5.4.1; From and Subject are always signed, From oversigned
canonicalization = "relaxed/relaxed"
require_sender_match = true             # an authenticated user signs only for the domain it sends as

[[signing.domain]]
domain = "example.org"
subdomains = true
keys = [
  { selector = "2026a", file = "/etc/authmilter/keys/example.org.2026a.pem" },
  { selector = "2026e", file = "/etc/authmilter/keys/example.org.2026e.pem" },   # a second algorithm: both sign
]

[log]
target = "journal"                      # "syslog", "stderr"
format = "text"                         # "json"
level = "info"

[metrics]
listen = ""                             # "127.0.0.1:9253" serves /metrics for Prometheus
)");
  CHECK(config.policy.overrides.size() == 1);
  REQUIRE(config.signing.domains.size() == 1);
  CHECK(config.signing.domains[0].keys.size() == 2);
  CHECK(config.signing.profile.headers.size() == 3);
  CHECK(config.authserv_id == DomainName::parse("mx.example.org"));
  CHECK(config.policy.actions == default_policy_actions());
}

TEST_CASE("the sample configuration means the defaults, and shows them") {
  const auto sample = repository() / "contrib/authmilter.toml";
  const auto config = load_config(sample, "mx.example.org");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  CHECK(print_config(*config) == print_config(parse("")));

  // With the comment signs taken off, but for the examples: tables of lists, and the short form of
  // the signed fields.
  std::ifstream file(sample);
  std::string shown;
  bool example = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#[[") || line.starts_with("[")) example = line.starts_with("#[[");
    const bool key = line.starts_with("#") && line.find(" = ") != std::string::npos &&
                     line.find(' ') != 1 && !line.starts_with("#headers");
    shown += (key && !example ? line.substr(1) : line) + "\n";
  }
  CHECK(std::count(shown.begin(), shown.end(), '=') > 35);
  CHECK(print_config(parse(shown)) == print_config(parse("")));
}
