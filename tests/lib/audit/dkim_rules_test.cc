#include <doctest/doctest.h>

#include "lib/audit/good_zone.h"
#include "lib/audit/judged_zone.h"

using namespace authmilter;

namespace {

/// The good domain's key record, with something else before its key.
std::string key_record(const std::string& before) {
  const std::string zone = kGoodZone;
  const std::size_t key = zone.find("p=\" ", zone.find("s1._domainkey"));
  return "\"" + before + "p=\" " + zone.substr(key + 4, zone.find('\n', key) - key - 4);
}

std::string line(const char* selector, const std::string& record) {
  return std::string(selector) + "._domainkey TXT " + record;
}
std::string with_key(const std::string& before, const char* key) {
  return "\"" + before + "p=" + key + "\"";
}

std::string judged(const std::string& lines, const GatherOptions& options = dns_alone(),
                   const AuditProfile& profile = AuditProfile{}) {
  SigningResolver resolver(make_test_resolver(edited(kGoodZone, "s1._domainkey", lines)));
  return complaints(judge_domain(facts_of(resolver, options), AuditHeader{}, profile), "dkim.");
}

constexpr auto kGiven = SelectorOrigin::given;
constexpr auto kUsual = SelectorOrigin::usual;

}  // namespace

TEST_CASE("DKIM rules: a key record that is wrong in one way, and the rule that says it") {
  const std::string rsa = "v=DKIM1; k=rsa; ";
  const struct {
    const char* why;
    std::string lines;  // instead of the good domain's record
    const char* complaints;
  } rows[] = {
      {"the good domain", line("s1", key_record(rsa)), ""},
      {"no v=, no k= (RFC 6376 3.6.1)", line("s1", key_record("")), ""},
      {"none", "", "dkim.exists=fail"},
      {"two", line("s1", key_record(rsa)) + "\n" + line("s1", with_key(rsa, kShortKey)),
       "dkim.single=fail"},
      {"not a key record", line("s1", "\"this is the key\""), "dkim.syntax=fail"},
      {"another version", line("s1", key_record("v=DKIM2; ")), "dkim.syntax=fail"},
      {"a tag twice", line("s1", key_record("v=DKIM1; k=rsa; k=rsa; ")), "dkim.syntax=fail"},
      {"a key that is cut", line("s1", "\"v=DKIM1; p=MIIBIjANBgkqhkiG9w0BAQ\""),
       "dkim.syntax=fail"},
      {"a kind that nobody has", line("s1", key_record("v=DKIM1; k=dsa; ")), "dkim.type=fail"},
      {"Ed25519 alone (RFC 8463)", line("s1", with_key("v=DKIM1; k=ed25519; ", kEd25519Key)),
       "dkim.type=warn"},
      {"1024 bits (RFC 8301 3.2)", line("s1", with_key(rsa, kShortKey)), "dkim.bits=fail"},
      {"withdrawn", line("s1", "\"v=DKIM1; k=rsa; p=\""), "dkim.revoked=fail"},
      {"only tried", line("s1", key_record("v=DKIM1; t=y; ")), "dkim.testing=warn"},
      {"strict about identities is no fault", line("s1", key_record("v=DKIM1; t=s; ")), ""},
      {"not for mail", line("s1", key_record("v=DKIM1; s=tlsrpt; ")), "dkim.service=fail"},
      {"for mail among others", line("s1", key_record("v=DKIM1; s=tlsrpt:email; ")), ""},
      {"SHA-1 alone", line("s1", key_record("v=DKIM1; h=sha1; ")), "dkim.hash=fail"},
      {"SHA-1 too (RFC 8301 3.1)", line("s1", key_record("v=DKIM1; h=sha1:sha256; ")),
       "dkim.hash=warn"},
      {"a key for every selector",
       line("s1", key_record(rsa)) + "\n" + line("*", with_key(rsa, kShortKey)),
       "dkim.wildcard=warn"},
      {"something else for every selector",
       line("s1", key_record(rsa)) + "\n" + line("*", "\"v=spf1 -all\""), "dkim.wildcard=info"},
      {"an alias of a provider's",
       "s1._domainkey CNAME s1.provider.example.\ns1.provider.example. TXT " + key_record(rsa), ""},
      {"an alias that leads nowhere", "s1._domainkey CNAME s1.provider.example.",
       "dkim.exists=fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(judged(row.lines) == row.complaints);
  }
}

TEST_CASE("DKIM rules: where a selector is known from") {
  const std::string good = line("s1", key_record("v=DKIM1; "));
  const auto one = [](const char* selector, SelectorOrigin origin, std::string own = "") {
    return dns_alone({{selector, origin, std::move(own)}});
  };
  CHECK(judged(good, one("s2", SelectorOrigin::reported)) == "dkim.exists=warn");
  CHECK(judged(good, one("s2", SelectorOrigin::configured)) == "dkim.exists=fail");
  CHECK(judged(good, one("s1", SelectorOrigin::configured,
                         "v=DKIM1; k=ed25519; p=" + std::string(kEd25519Key))) ==
        "dkim.own_key=fail");
  // Of usual ones nobody says that they are used.
  CHECK(judged(good, dns_alone({{"s1", kUsual, ""}, {"s2", kUsual, ""}})) == "");
  CHECK(judged(line("s1", "\"v=DKIM1; p=\""), one("s1", kUsual)) == "dkim.revoked=info");
  CHECK(judged("", one("s1", kUsual)) == "dkim.exists=unknown");
  CHECK(judged(line("*", "\"v=spf1 -all\""), one("s1", kUsual)) ==
        "dkim.exists=unknown dkim.wildcard=info");
  CHECK(judged("", dns_alone({})) == "dkim.exists=unknown");
  CHECK(judged(good, dns_alone({})) == "");
  // A strange name is not looked up.
  CHECK(judged(good, dns_alone({{"s1", kGiven, ""}, {"a..b", kGiven, ""}})) == "");
  CHECK(judged(good + "\n" + line("s2", key_record("v=DKIM1; ")),
               dns_alone({{"s1", kGiven, ""}, {"s2", kGiven, ""}})) == "dkim.shared_key=warn");
}

TEST_CASE("DKIM rules: the floor is the profile's") {
  AuditProfile profile;
  profile.dkim_rsa_bits_warn = 3072;
  const std::string good = line("s1", key_record("v=DKIM1; "));
  CHECK(judged(good, dns_alone(), profile) == "dkim.bits=warn");
  profile.dkim_rsa_bits = 3072;
  CHECK(judged(good, dns_alone(), profile) == "dkim.bits=fail");
}

TEST_CASE("DKIM rules: keys below a name that is said not to exist (RFC 8020)") {
  DomainFacts facts = [] {
    SigningResolver resolver(make_test_resolver(kGoodZone));
    return facts_of(resolver);
  }();
  const DnsName above = DomainName::parse("_domainkey.example.org").value();
  facts.dns.at({above, RrType::txt}).status = DnsStatus::nxdomain;
  CHECK(complaints(judge_domain(facts, AuditHeader{}, AuditProfile{}), "dkim.") ==
        "dkim.empty_name=warn");
}

TEST_CASE("DKIM rules: a domain that sends nothing needs no key") {
  CHECK(complaints(audit_of(kParkedZone, dns_alone({}), "parked.example"), "dkim.") == "");
}

TEST_CASE("DKIM rules: a key that another domain has too") {
  const std::string zone = std::string(kGoodZone) + "\ns1._domainkey.example.com. TXT " +
                           key_record("v=DKIM1; ") +
                           "\ns2._domainkey.example.com. CNAME s1._domainkey.example.org.\n";
  SigningResolver resolver(make_test_resolver(zone));
  const auto with = [&](const char* selector, const char* domain) {
    return facts_of(resolver, dns_alone({{selector, SelectorOrigin::given, ""}}), domain);
  };
  const auto complains = [](const DomainFacts& facts, const std::vector<DomainFacts>& all) {
    const KeyOwners owners = key_owners(all);
    return complaints(judge_domain(facts, AuditHeader{}, AuditProfile{}, &owners), "dkim.");
  };
  const DomainFacts ours = with("s1", "example.org"), theirs = with("s1", "example.com");
  const DomainFacts alias = with("s2", "example.com");
  CHECK(complains(ours, {ours}).empty());
  CHECK(complains(ours, {ours, theirs}) == "dkim.shared_key=warn");
  CHECK(complains(theirs, {ours, theirs}) == "dkim.shared_key=warn");
  // Whoever signs for several domains publishes one record, and others lead to it.
  CHECK(complains(ours, {ours, alias}).empty());
  CHECK(complains(alias, {ours, alias}).empty());
}
