#include <doctest/doctest.h>

#include "lib/audit/good_zone.h"
#include "lib/audit/judged_zone.h"

using namespace authmilter;

TEST_CASE("MX rules: a host that is wrong in one way, and the rule that says it") {
  const struct {
    const char* why;
    const char* line;
    const char* instead;
    const char* complaints;
    const char* evidence;  // of the first of them, a part
  } rows[] = {
      {"the good domain", "ns1 A", "ns1 A 192.0.2.53", "", ""},
      {"a null MX record beside others (RFC 7505 3)", "@ MX 10", "@ MX 0 .", "mx.null=fail",
       "beside 20 mx2.example.org"},
      {"an alias (RFC 2181 10.3)", "@ MX 10", "@ MX 10 mail\nmail CNAME mx1", "mx.cname=fail",
       "mail.example.org: an alias (CNAME) of mx1.example.org"},
      {"no address", "@ MX 10", "@ MX 10 gone", "mx.address=fail", "gone.example.org: no A"},
      {"an address instead of a name", "@ MX 10", "@ MX 10 192.0.2.1.", "mx.address=fail",
       "an address where the name"},
      {"an address of the inner network", "mx1 A ", "mx1 A 10.0.0.1", "mx.address=warn",
       "not reachable"},
      {"no IPv6", "mx1 AAAA", "", "mx.address=info", "no IPv6"},
      {"no IPv4", "mx1 A ", "", "mx.address=warn", "no IPv4"},
      {"no PTR record", "1.2.0.192", "", "mx.ptr=warn", "mx1.example.org 192.0.2.1: no PTR"},
      {"a PTR record that leads elsewhere", "1.2.0.192",
       "1.2.0.192.in-addr.arpa. PTR mx2.example.org.", "mx.ptr=warn", "does not lead back"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const DomainAudit audit = audit_of(edited(kGoodZone, row.line, row.instead));
    CHECK(complaints(audit, "mx.") == row.complaints);
    const std::string id =
        std::string(row.complaints).substr(0, std::string(row.complaints).find('='));
    if (!id.empty()) CHECK(check_of(audit, id).evidence().find(row.evidence) != std::string::npos);
  }
}

TEST_CASE("MX rules: domains that have no mail hosts") {
  const struct {
    const char* why;
    const char* zone;
    const char* complaints;
  } rows[] = {
      {"a null MX record", "example.org. MX 0 .\n", ""},
      {"nothing but an address (RFC 5321 5.1)",
       "example.org. A 192.0.2.80\nexample.org. AAAA 2001:db8::80\n"
       "80.2.0.192.in-addr.arpa. PTR example.org.\n"
       "0.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR "
       "example.org.\n",
       "mx.exists=warn"},
      {"nothing", "example.org. TXT \"v=spf1 ip4:192.0.2.1 -all\"\n", "mx.exists=fail"},
      {"nothing, and it sends nothing", "example.org. TXT \"v=spf1 -all\"\n", "mx.exists=info"},
      {"no such domain", "example.com. TXT \"x\"\n", "mx.exists=fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(complaints(audit_of(row.zone), "mx.") == row.complaints);
  }
  const auto resolver = make_test_resolver("", {{"example.org", DnsFault::timeout}});
  CHECK(complaints(judge_domain(facts_of(*resolver), AuditHeader{}, AuditProfile{}), "mx.") ==
        "mx.exists=unknown");
}

TEST_CASE("MX rules: an address of the inner network, seen from there or not") {
  const auto resolver =
      make_test_resolver("example.org. MX 10 mx.example.org.\nmx.example.org. A 10.0.0.1\n");
  const struct {
    const char* why;
    bool asked, connected;
    CheckStatus status;
  } rows[] = {
      {"only the DNS was asked", false, false, CheckStatus::warn},
      {"nobody is there", true, false, CheckStatus::fail},
      {"a mail server is: this network has its own view of the DNS", true, true, CheckStatus::info},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DomainFacts facts = facts_of(*resolver);
    facts.servers_asked = row.asked;
    ServerFacts server;
    server.host = "mx.example.org";
    server.address = IpAddress::parse("10.0.0.1");
    server.connected = row.connected;
    facts.servers.push_back(server);
    const DomainAudit audit = judge_domain(facts, AuditHeader{}, AuditProfile{});
    CHECK(check_of(audit, "mx.address").status == row.status);
  }
}
