#include <authmilter/config.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>

using namespace authmilter;

namespace {

Config parse(const std::string& text) {
  const auto config = parse_config(text, "x.toml", "MX.example.org.");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  return *config;
}

/// Every key, none with its default.
constexpr const char* kFull = R"(
[milter]
socket = ["unix:/run/a.sock", "inet6:8891@[::1]"]
socket_mode = "0600"
socket_group = ""

[identity]
authserv_id = "Border.Example.org"
trusted_authserv_ids = ["upstream.example.net"]

[network]
internal = ["192.0.2.0/24", "2001:db8::1"]

[[network.require_tls]]
clients = "192.0.2.7"
minimum_version = "none"

[[network.require_tls]]
clients = ["192.0.2.0/24", "::/0"]

[dns]
nameservers = ["192.0.2.53", "127.0.0.1@5353"]
zones = ["zones/test.zone", "/srv/a.zone"]
dnssec = "off"
trust_anchor = "anchor.key"
timeout = "500ms"
message_timeout = "1m"
message_queries = 100
cache_octets = 1048576

[verify]
mode = "monitor"
added_fields = "not-a-pass"
maximum_signatures = 5
minimum_rsa_bits = 2048
header_fields = 500
header_octets = 131072
header_field_octets = 32768
from_octets = 2048
spf_lookups = 20
spf_void_lookups = 0

[policy]
spf_fail = "reject"
spf_softfail = "tag"
spf_temperror = "tempfail"
spf_permerror = "tag"
dmarc_reject = "quarantine"
dmarc_quarantine = "tag"
dmarc_temperror = "tempfail"
dmarc_permerror = "discard"
tag_subject = "[\"forged\"\\] "

[[policy.trusted_sealer]]
domain = "lists.example.edu"
networks = ["192.0.2.0/24", "2001:db8::/32"]
max_age = "14d"
dmarc_reject = "tag"
dmarc_quarantine = "quarantine"

[[policy.forwarder]]
networks = ["192.0.2.25", "192.0.2.26"]
internal = ["127.0.0.1", "10.0.0.0/8"]
received_by = ["mx.forwarder.example", "out.forwarder.example"]

[[policy.override]]
author_domain = "list.example.net"
dmarc_reject = "quarantine"

[[policy.override]]
client = ["192.0.2.1", "2001:db8::/32"]
mail_from = ["<>", "bounce@example.net", "@example.com"]
recipient = "postmaster@example.org"
dkim_domain = ["*.example.net"]
list = [{ id = "a.example.net", signed_by = "example.net" }, { id = "b.example.net", signed_by = "example.net" }]
spf_fail = "accept"
spf_softfail = "accept"
spf_temperror = "accept"
spf_permerror = "accept"
dmarc_quarantine = "accept"
dmarc_temperror = "accept"
dmarc_permerror = "accept"

[signing]
headers = ["From", "Subject", "To"]
oversign = ["From", "To"]
oversign_present = ["Date"]
lifetime = "7d"
canonicalization = "relaxed/simple"
order = "ed25519-on-top"
also = ["Provider.example"]
require_sender_match = false
minimum_rsa_bits = 3072
directory = "domains.d"
state_directory = "states"
mismatch = "refuse"
login_map = "postfix:logins"
key_table = "keys.table"
signing_table = "refile:senders.table"
multiple_signatures = true

[[signing.permit]]
clients = ["192.0.2.0/24"]
daemon_names = ["submission"]
domains = ["*.example.org", "example.com"]

[[signing.domain]]
domain = "example.org"
subdomains = true
keys = [
  { selector = "2026a", file = "/etc/authmilter/keys/example.org.2026a.pem" },
  { selector = "2026e", file = "keys/e.pem" },   # a second algorithm: both sign
]
headers = ["To"]
oversign = ["Cc"]
oversign_present = []
lifetime = "0s"
canonicalization = "simple/simple"
order = "as-listed"
also = []

[[signing.domain]]
domain = "example.com"
keys = [ { selector = "2026a", file = "keys/c.pem" }, { selector = "20260601", key = "pkcs11:token=t;object=o" } ]

[rotation]
selector = "k%y-%d"
ring = ["r1", "r2", "r3"]
delegated_to = "DKIM.example.net"
rsa_bits = 3072
together = false
overlap = "1d"
queue_time = "10d"
watch_limit = "1h"
record_ttl = "5m"
hook = ["/usr/local/sbin/publish", "a b"]
publish_retired = "past"

[arc]
seal = true
domain = "Forwarder.example"
selector = "a1"
file = "keys/arc.pem"
recipient = ["@lists.example", "a@b.example"]

[reports]
store = "postgresql://reports@db.example/authmilter?sslmode=verify-full"
spool = "/srv/spool"
retention = "400d"
exclude = ["192.0.2.0/24", "example.org", "*.example.net", "a@b.example", "@lists.example"]
keep = ["envelope_to"]
organization = "Example Mail"
email = "reports@example.org"
contact = "https://example.org/dmarc"
deliver = "smtp://127.0.0.1:25"
maximum_octets = 1000000
destinations = 2
without_namespace = ["old.example"]
failure_reports = true
failure_reports_per_hour = 3

[log]
target = "stderr"
format = "json"
level = "debug"

[metrics]
listen = "[::1]:9253"
)";

template <class T>
std::vector<std::string> texts(const std::vector<T>& values) {
  std::vector<std::string> list;
  for (const T& value : values) list.push_back(value.text());
  return list;
}

}  // namespace

TEST_CASE("an empty configuration verifies everything and signs nothing") {
  const Config config = parse("");
  CHECK(texts(config.milter.sockets) ==
        std::vector<std::string>{"unix:/run/authmilter/authmilter.sock"});
  CHECK(config.milter.socket_mode == 0660);
  CHECK(config.milter.socket_group == "postfix");
  CHECK(config.authserv_id == DomainName::parse("mx.example.org"));
  CHECK(config.trusted_authserv_ids.empty());
  REQUIRE(config.internal.size() == 2);
  CHECK(config.internal[0].text() == "127.0.0.0/8");
  CHECK(config.internal[1].text() == "::1/128");
  CHECK(config.require_tls.empty());
  CHECK(config.dns.nameservers.empty());
  CHECK(config.dns.zones.empty());
  CHECK(config.dns.dnssec == DnssecMode::automatic);
  CHECK(config.dns.trust_anchor.empty());
  CHECK(config.dns.timeout == std::chrono::seconds(5));
  CHECK(config.dns.message_timeout == std::chrono::seconds(20));
  CHECK(config.dns.message_queries == 60);
  CHECK(config.dns.cache_octets == 32 << 20);
  CHECK(config.verify.mode == VerifyMode::enforce);
  CHECK(config.verify.maximum_signatures == 10);
  CHECK(config.verify.minimum_rsa_bits == 1024);
  CHECK(config.verify.limits.fields == 1000);
  CHECK(config.verify.limits.total_octets == 262144);
  CHECK(config.verify.limits.field_octets == 59000);
  CHECK(config.verify.limits.from_octets == 4096);
  CHECK(config.verify.spf_lookups == 10);
  CHECK(config.verify.spf_void_lookups == 2);
  CHECK(config.policy.actions == default_policy_actions());
  CHECK(config.policy.tag_subject.empty());
  CHECK(config.policy.overrides.empty());
  CHECK(config.signing.profile.headers == default_signed_headers());
  CHECK(config.signing.profile.header_canonicalization == Canonicalization::relaxed);
  CHECK(config.signing.profile.body_canonicalization == Canonicalization::relaxed);
  CHECK(config.signing.profile.oversign ==
        std::vector<std::string>{"from", "subject", "to", "cc", "reply-to"});
  CHECK(config.signing.profile.oversign_present == default_oversigned_present_headers());
  CHECK(config.verify.added_fields == AddedFields::accept);
  CHECK(config.signing.profile.lifetime == std::chrono::seconds(0));
  CHECK(config.signing.profile.order == SignatureOrder::rsa_on_top);
  CHECK(config.signing.profile.also.empty());
  CHECK(config.signing.require_sender_match);
  CHECK(config.signing.domains.empty());
  CHECK(config.log.target == LogTarget::journal);
  CHECK(config.log.format == LogFormat::text);
  CHECK(config.log.level == LogLevel::info);
  CHECK_FALSE(config.metrics_listen);
}

TEST_CASE("every key has its effect") {
  const Config config = parse(kFull);
  CHECK(texts(config.milter.sockets) ==
        std::vector<std::string>{"unix:/run/a.sock", "inet6:8891@[::1]"});
  CHECK(config.milter.socket_mode == 0600);
  CHECK(config.milter.socket_group.empty());
  CHECK(config.authserv_id == DomainName::parse("border.example.org"));
  CHECK(texts(config.trusted_authserv_ids) == std::vector<std::string>{"upstream.example.net"});
  REQUIRE(config.internal.size() == 2);
  CHECK(config.internal[0].text() == "192.0.2.0/24");
  CHECK(config.internal[1].text() == "2001:db8::1/128");
  CHECK(texts(config.dns.nameservers) == std::vector<std::string>{"192.0.2.53", "127.0.0.1@5353"});
  CHECK(config.dns.zones == std::vector<std::filesystem::path>{"zones/test.zone", "/srv/a.zone"});
  CHECK(config.dns.dnssec == DnssecMode::off);
  CHECK(config.dns.trust_anchor == "anchor.key");
  CHECK(config.dns.timeout == std::chrono::milliseconds(500));
  CHECK(config.dns.message_timeout == std::chrono::minutes(1));
  CHECK(config.dns.message_queries == 100);
  CHECK(config.dns.cache_octets == 1 << 20);
  CHECK(config.verify.mode == VerifyMode::monitor);
  CHECK(config.verify.maximum_signatures == 5);
  CHECK(config.verify.minimum_rsa_bits == 2048);
  CHECK(config.verify.limits.fields == 500);
  CHECK(config.verify.limits.total_octets == 131072);
  CHECK(config.verify.limits.field_octets == 32768);
  CHECK(config.verify.limits.from_octets == 2048);
  CHECK(config.verify.spf_lookups == 20);
  CHECK(config.verify.spf_void_lookups == 0);
  CHECK(config.policy.tag_subject == "[\"forged\"\\] ");
  CHECK(config.signing.profile.headers == std::vector<std::string>{"from", "subject", "to"});
  CHECK(config.signing.profile.header_canonicalization == Canonicalization::relaxed);
  CHECK(config.signing.profile.body_canonicalization == Canonicalization::simple);
  CHECK(config.signing.profile.oversign == std::vector<std::string>{"from", "to"});
  CHECK(config.signing.profile.oversign_present == std::vector<std::string>{"date"});
  CHECK(config.verify.added_fields == AddedFields::not_a_pass);
  CHECK(config.signing.profile.lifetime == std::chrono::hours(24 * 7));
  CHECK(config.signing.profile.order == SignatureOrder::ed25519_on_top);
  CHECK(texts(config.signing.profile.also) == std::vector<std::string>{"provider.example"});
  CHECK_FALSE(config.signing.require_sender_match);
  CHECK(config.signing.state_directory == "states");
  CHECK(config.rotation.selector == "k%y-%d");
  CHECK(config.rotation.ring == std::vector<std::string>{"r1", "r2", "r3"});
  CHECK(config.rotation.delegated_to == "dkim.example.net");
  CHECK(config.rotation.rsa_bits == 3072);
  CHECK_FALSE(config.rotation.together);
  CHECK(config.rotation.overlap == std::chrono::hours(24));
  CHECK(config.rotation.queue_time == std::chrono::hours(240));
  CHECK(config.rotation.watch_limit == std::chrono::hours(1));
  CHECK(config.rotation.record_ttl == std::chrono::minutes(5));
  CHECK(config.rotation.hook == std::vector<std::string>{"/usr/local/sbin/publish", "a b"});
  CHECK(config.rotation.publish_retired == "past");
  CHECK(config.log.target == LogTarget::stderr_stream);
  CHECK(config.log.format == LogFormat::json);
  CHECK(config.log.level == LogLevel::debug);
  CHECK(config.metrics_listen == HostPort::parse("[::1]:9253"));
}

TEST_CASE("what reports are made of, and how they are sent") {
  const ReportsConfig reports = parse(kFull).reports;
  REQUIRE(reports.store);
  CHECK(reports.store->engine == StoreEngine::postgresql);
  CHECK(reports.store->target == "postgresql://reports@db.example/authmilter?sslmode=verify-full");
  CHECK(reports.spool == "/srv/spool");
  CHECK(reports.retention == std::chrono::hours(400 * 24));
  CHECK(reports.exclude_networks.contains(*IpAddress::parse("192.0.2.9")));
  CHECK(texts(std::vector(reports.exclude_authors.begin(), reports.exclude_authors.end())) ==
        std::vector<std::string>{"example.org", "*.example.net"});
  CHECK(texts(std::vector(reports.exclude_recipients.begin(), reports.exclude_recipients.end())) ==
        std::vector<std::string>{"a@b.example", "@lists.example"});
  CHECK(reports.keep == std::vector{ReportKeep::envelope_to});
  CHECK(reports.organization == "Example Mail");
  CHECK(reports.email == "reports@example.org");
  CHECK(reports.contact == "https://example.org/dmarc");
  CHECK(reports.deliver.way == ReportDelivery::Way::smtp);
  CHECK(reports.maximum_octets == 1'000'000);
  CHECK(reports.destinations == 2);
  CHECK(reports.without_namespace == std::vector{*DomainName::parse("old.example")});
  CHECK(reports.failure_reports);
  CHECK(reports.failure_reports_per_hour == 3);
  CHECK_FALSE(parse("").reports.store);
}

TEST_CASE("a store's address is shown without its password") {
  const struct {
    const char* text;
    const char* shown;
  } rows[] = {
      {"sqlite:/var/lib/a.db", "sqlite:/var/lib/a.db"},
      {"postgresql://u@h/d", "postgresql://u@h/d"},
      {"postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"},
      {"postgresql://h:5432/d?user=u&password=secret&x=1",
       "postgresql://h:5432/d?user=u&password=***&x=1"},
      {"postgres://h/d?password=secret", "postgres://h/d?password=***"},
      {"postgresql:///d?host=/run/a:b@c", "postgresql:///d?host=/run/a:b@c"},
  };
  for (const auto& row : rows) {
    const auto address = StoreAddress::parse(row.text);
    REQUIRE(address);
    CHECK(address->text() == row.text);
    CHECK(address->printable() == row.shown);
  }
}

TEST_CASE("each result has its action") {
  const PolicyActions& actions = parse(kFull).policy.actions;
  CHECK(actions.spf_fail == Disposition::reject);
  CHECK(actions.spf_softfail == Disposition::tag);
  CHECK(actions.spf_temperror == Disposition::tempfail);
  CHECK(actions.spf_permerror == Disposition::tag);
  CHECK(actions.dmarc_reject == Disposition::quarantine);
  CHECK(actions.dmarc_quarantine == Disposition::tag);
  CHECK(actions.dmarc_temperror == Disposition::tempfail);
  CHECK(actions.dmarc_permerror == Disposition::discard);
}

TEST_CASE("overrides keep their order and hold only what they name") {
  const auto overrides = parse(kFull).policy.overrides;
  REQUIRE(overrides.size() == 2);
  CHECK(overrides[0].author_domain == std::vector{*DomainPattern::parse("list.example.net")});
  CHECK(overrides[0].client.empty());
  CHECK(overrides[0].actions.dmarc_reject == Disposition::quarantine);
  CHECK_FALSE(overrides[0].actions.spf_fail);
  CHECK(overrides[1].client.size() == 2);
  CHECK(overrides[1].mail_from == std::vector{*AddressPattern::parse("<>"),
                                              *AddressPattern::parse("bounce@example.net"),
                                              *AddressPattern::parse("@example.com")});
  CHECK(overrides[1].recipient == std::vector{*AddressPattern::parse("postmaster@example.org")});
  CHECK(overrides[1].dkim_domain == std::vector{*DomainPattern::parse("*.example.net")});
  CHECK(overrides[1].list ==
        std::vector<MailingList>{
            {*DomainName::parse("a.example.net"), *DomainName::parse("example.net")},
            {*DomainName::parse("b.example.net"), *DomainName::parse("example.net")}});
  CHECK_FALSE(overrides[1].actions.dmarc_reject);
  CHECK(overrides[1].actions.dmarc_permerror == Disposition::accept);
}

TEST_CASE("forwarders, and what is sealed") {
  const Config config = parse(kFull);
  REQUIRE(config.policy.forwarders.size() == 1);
  CHECK(config.policy.forwarders[0].networks.contains(*IpAddress::parse("192.0.2.26")));
  CHECK(config.policy.forwarders[0].internal.contains(*IpAddress::parse("127.0.0.1")));
  CHECK(texts(config.policy.forwarders[0].received_by) ==
        std::vector<std::string>{"mx.forwarder.example", "out.forwarder.example"});
  CHECK(config.arc.seal);
  CHECK(config.arc.domain == DomainName::parse("forwarder.example"));
  CHECK(config.arc.selector->text() == "a1");
  CHECK(config.arc.source == KeySource::of_file("keys/arc.pem"));
  CHECK(config.arc.recipient.matches(parse_reverse_path("<x@lists.example>")));
  CHECK_FALSE(config.arc.recipient.matches(parse_reverse_path("<x@b.example>")));
  // Off, and of no domain.
  CHECK_FALSE(parse("").arc.seal);
  CHECK(parse("[arc]\nkey = \"credential:arc\"\nselector = \"s\"\n").arc.source ==
        KeySource{KeyStore::credential, "arc"});
}

TEST_CASE("requirements of TLS keep their order") {
  const auto rules = parse(kFull).require_tls;
  REQUIRE(rules.size() == 2);
  CHECK(rules[0].clients == std::vector<Network>{*Network::parse("192.0.2.7")});
  CHECK(rules[0].minimum == TlsLevel::none);
  CHECK(rules[1].clients.size() == 2);
  CHECK(rules[1].minimum == TlsLevel::tls1_2);
  const struct {
    const char* word;
    TlsLevel minimum;
  } rows[] = {{"none", TlsLevel::none},
              {"TLSv1", TlsLevel::tls1_0},
              {"TLSv1.1", TlsLevel::tls1_1},
              {"TLSv1.2", TlsLevel::tls1_2},
              {"TLSv1.3", TlsLevel::tls1_3}};
  for (const auto& row : rows) {
    CAPTURE(row.word);
    const Config config = parse(std::string("[[network.require_tls]]\nclients = \"::/0\"\n") +
                                "minimum_version = \"" + row.word + "\"\n");
    REQUIRE(config.require_tls.size() == 1);
    CHECK(config.require_tls[0].minimum == row.minimum);
    CHECK(parse(print_config(config)).require_tls == config.require_tls);
  }
}

TEST_CASE("signing domains carry their keys and where they were written") {
  const auto domains = parse(kFull).signing.domains;
  REQUIRE(domains.size() == 2);
  CHECK(domains[0].domain.text() == "example.org");
  CHECK(domains[0].subdomains);
  REQUIRE(domains[0].keys.size() == 2);
  CHECK(domains[0].keys[1].selector.text() == "2026e");
  CHECK(domains[0].keys[1].source.text == "keys/e.pem");
  CHECK(domains[0].keys[1].place.text() == "x.toml:112:3");
  CHECK_FALSE(domains[1].subdomains);
  // Two domains may share a selector.
  CHECK(domains[1].keys[0].selector.text() == "2026a");
  // A selector may be all digits, which a domain's last label may not.
  CHECK(domains[1].keys[1].selector.text() == "20260601");
}

TEST_CASE("what is printed reads as the same configuration") {
  for (const std::string text : {"", kFull}) {
    const Config config = parse(text);
    const std::string printed = print_config(config);
    const auto again = parse_config(printed, "printed.toml", "other.example");
    REQUIRE_MESSAGE(again, (again ? "" : again.error().message));
    CHECK(print_config(*again) == printed);
    // The second reading is complete: nothing fell back to a default.
    CHECK(again->authserv_id == config.authserv_id);
    CHECK(again->require_tls == config.require_tls);
    CHECK(again->policy.overrides == config.policy.overrides);
    CHECK(again->policy.trusted_sealers == config.policy.trusted_sealers);
    CHECK(again->policy.forwarders == config.policy.forwarders);
    CHECK(again->arc.seal == config.arc.seal);
    CHECK(again->arc.source == config.arc.source);
    CHECK(again->arc.recipient == config.arc.recipient);
    CHECK(again->policy.actions == config.policy.actions);
    CHECK(again->signing.domains.size() == config.signing.domains.size());
  }
  // The two differ in every key, so a key that is not printed would show above.
  const std::string full = print_config(parse(kFull));
  for (const std::string& key : config_keys()) {
    CAPTURE(key);
    CHECK(full.find(key.substr(key.rfind('.') + 1) + " = ") != std::string::npos);
  }
}

TEST_CASE("comments, strings and a byte order mark may be more than ASCII") {
  const Config config = parse(
      "\xef\xbb\xbf[dns] # \xc3\xbc \"\nzones = ['/srv/\xc3\xbc', \"/srv/\\\"\xc3\xbc\"] "
      "# \xc3\xbc\n");
  CHECK(config.dns.zones == std::vector<std::filesystem::path>{"/srv/\xc3\xbc", "/srv/\"\xc3\xbc"});
}

TEST_CASE("the keys are listed with their tables") {
  const auto keys = config_keys();
  for (const std::string key :
       {"milter.socket", "identity.trusted_authserv_ids", "network.require_tls.clients",
        "dns.message_queries", "verify.from_octets", "policy.spf_permerror",
        "policy.override.dkim_domain", "policy.override.dmarc_permerror",
        "policy.override.list.signed_by", "policy.trusted_sealer.networks",
        "policy.forwarder.received_by", "arc.seal", "signing.domain.subdomains",
        "signing.domain.keys.selector", "metrics.listen"}) {
    CAPTURE(key);
    CHECK(std::find(keys.begin(), keys.end(), key) != keys.end());
  }
  CHECK(keys.size() == 125);
}
