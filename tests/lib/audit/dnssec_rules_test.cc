#include <doctest/doctest.h>

#include "lib/audit/good_zone.h"
#include "lib/audit/judged_zone.h"

using namespace authmilter;

namespace {

const std::vector<std::string> kAllNames = {"example.org",
                                            "mx1.example.org",
                                            "mx2.example.org",
                                            "_dmarc.example.org",
                                            "_25._tcp.mx1.example.org",
                                            "_25._tcp.mx2.example.org",
                                            "s1._domainkey.example.org"};

AuditProfile profile_of(bool measure) {
  AuditProfile profile;
  profile.prints_measure = measure;
  profile.weak_dnssec_algorithms = {1, 3, 5, 6, 7, 12};
  return profile;
}

}  // namespace

TEST_CASE("DNSSEC rules: what is not signed, and the rule that says it") {
  const struct {
    const char* why;
    const char* line;
    const char* instead;
    std::vector<std::string> not_signed;
    const char* complaints;  // where the measure is asked for
    const char* elsewhere;
  } rows[] = {
      {"the good domain", "", "", {}, "", ""},
      {"not at all", "@ DS", "", kAllNames,
       "dnssec.domain=fail dnssec.mx=fail dnssec.host=fail dnssec.records=warn",
       "dnssec.domain=warn dnssec.mx=warn dnssec.host=warn dnssec.records=warn"},
      {"validation that did not happen is not a zone that is not signed", "", "", kAllNames,
       "dnssec.domain=unknown dnssec.mx=unknown dnssec.host=unknown dnssec.records=unknown",
       "dnssec.domain=unknown dnssec.mx=unknown dnssec.host=unknown dnssec.records=unknown"},
      {"a mail host in a zone that is not signed",
       "@ MX 10",
       "@ MX 10 mx.host.example.\nmx.host.example. A 198.51.100.1\n"
       "host.example. SOA ns.host.example. h.host.example. 1 2 3 4 5",
       {"mx.host.example", "host.example"},
       "dnssec.host=fail",
       "dnssec.host=warn"},
      {"TLSA records of a part that is not signed",
       "@ DS",
       "",
       {"_25._tcp.mx1.example.org"},
       "dnssec.tlsa=fail",
       "dnssec.tlsa=warn"},
      {"RSA with SHA-1 (RFC 8624 3.1)",
       "@ DNSKEY",
       "@ DNSKEY 257 3 7 AwEAAQ==",
       {},
       "dnssec.algorithm=fail",
       "dnssec.algorithm=fail"},
      {"a second key that is weak",
       "@ DS",
       "@ DS 1 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17\n"
       "@ DNSKEY 256 3 5 AwEAAQ==",
       {},
       "dnssec.algorithm=fail",
       "dnssec.algorithm=fail"},
      {"a digest of SHA-1",
       "@ DS",
       "@ DS 1 13 1 b4c8c1fe2e7477127b27115656ad6256f4246250",
       {},
       "dnssec.algorithm=warn",
       "dnssec.algorithm=warn"},
      {"denials for a day",
       "@ IN SOA",
       "@ IN SOA ns1.example.org. hostmaster.example.org. 1 7200 3600 1209600 86400",
       {},
       "dnssec.negative_ttl=warn",
       "dnssec.negative_ttl=warn"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    SigningResolver resolver(make_test_resolver(edited(kGoodZone, row.line, row.instead)),
                             row.not_signed);
    const DomainFacts facts = facts_of(resolver);
    CHECK(complaints(judge_domain(facts, AuditHeader{}, profile_of(true)), "dnssec.") ==
          row.complaints);
    CHECK(complaints(judge_domain(facts, AuditHeader{}, profile_of(false)), "dnssec.") ==
          row.elsewhere);
  }
}

TEST_CASE("DNSSEC rules: signatures that are wrong") {
  const auto resolver = make_test_resolver("", {{"example.org", DnsFault::bogus}});
  CHECK(complaints(judge_domain(facts_of(*resolver), AuditHeader{}, profile_of(false)),
                   "dnssec.") == "dnssec.domain=fail dnssec.mx=fail");
  const auto silent = make_test_resolver("", {{"example.org", DnsFault::timeout}});
  CHECK(complaints(judge_domain(facts_of(*silent), AuditHeader{}, profile_of(false)), "dnssec.") ==
        "dnssec.domain=unknown dnssec.mx=unknown");
}

TEST_CASE("DNSSEC rules: a subdomain is in its parent's zone") {
  SigningResolver resolver(make_test_resolver(edited(kGoodZone, "", "sub MX 10 mx1")));
  const DomainAudit audit = judge_domain(facts_of(resolver, dns_alone(), "sub.example.org"),
                                         AuditHeader{}, profile_of(true));
  CHECK(complaints(audit, "dnssec.") == "");
  CHECK(check_of(audit, "dnssec.domain").evidence().find("zone example.org, ") == 0);
}
