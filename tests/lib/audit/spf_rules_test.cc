#include <doctest/doctest.h>

#include "lib/audit/good_zone.h"
#include "lib/audit/judged_zone.h"

using namespace authmilter;

namespace {

std::string numbered(const char* before, int count, const char* behind) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += before + std::to_string(i) + behind;
  return text;
}
/// The record in strings that a master file can hold.
std::string spf(std::string record) {
  for (std::size_t at = 200; at < record.size(); at += 203) record.insert(at, "\" \"");
  return "@ TXT \"" + record + "\"";
}

}  // namespace

TEST_CASE("SPF rules: a record that is wrong in one way, and the rule that says it") {
  const struct {
    const char* why;
    std::string record;  // lines instead of the good domain's record
    const char* complaints;
    const char* evidence;  // of the first of them, a part
  } rows[] = {
      {"the good domain", spf("v=spf1 mx include:_spf.example.org -all"), "", ""},
      {"softfail is enough (RFC 7208 5.1)", spf("v=spf1 mx ~all"), "", ""},
      {"redirect leads to the all", spf("v=spf1 redirect=_spf.example.org"), "", ""},
      {"no record", "", "spf.exists=fail", "no TXT record"},
      {"something like it", spf("spf1 mx -all"), "spf.exists=fail", "this is none: \"spf1 mx"},
      {"two records (4.5)", spf("v=spf1 mx -all") + "\n" + spf("v=spf1 a -all"), "spf.single=fail",
       "2 SPF records"},
      {"two in what is included",
       spf("v=spf1 mx include:two.example.org -all") +
           "\ntwo TXT \"v=spf1 a -all\"\ntwo TXT \"v=spf1 mx -all\"",
       "spf.single=fail", "two.example.org (by include:two.example.org)"},
      {"an unknown mechanism, with its position", spf("v=spf1 mx ipv4:192.0.2.1 -all"),
       "spf.syntax=fail", "at character 11"},
      {"a bad term behind a good one of the same text", spf("v=spf1 mx -all mxx -all"),
       "spf.syntax=fail", "at character 16"},
      {"a network of too many bits", spf("v=spf1 ip4:192.0.2.0/33 -all"), "spf.syntax=fail",
       "at character 8"},
      {"a syntax error in an include",
       spf("v=spf1 mx include:bad.example.org -all") + "\nbad TXT \"v=spf1 foo -all\"",
       "spf.syntax=fail", "bad.example.org (by include:bad.example.org)"},
      {"an include without a record (5.2)", spf("v=spf1 mx include:gone.example.org -all"),
       "spf.syntax=fail", "gone.example.org, which has no SPF record"},
      {"eight look-ups",
       spf("v=spf1" + numbered(" a:h", 8, ".example.org") + " -all") +
           numbered("\nh", 8, " A 192.0.2.9"),
       "spf.lookups=warn", "8 of 10 look-ups"},
      {"ten look-ups are allowed (4.6.4)",
       spf("v=spf1" + numbered(" a:h", 10, ".example.org") + " -all") +
           numbered("\nh", 10, " A 192.0.2.9"),
       "spf.lookups=warn", "10 of 10 look-ups"},
      {"eleven are not, and fourteen are counted",
       spf("v=spf1" + numbered(" a:h", 14, ".example.org") + " -all") +
           numbered("\nh", 14, " A 192.0.2.9"),
       "spf.lookups=fail", "14 of 10 look-ups"},
      {"records that include each other's likes end somewhere",
       spf("v=spf1 include:d1.example.org -all") +
           numbered("\nd", 1,
                    " TXT \"v=spf1 include:d2.example.org include:d2.example.org ?all\"") +
           "\nd2 TXT \"v=spf1 include:d3.example.org include:d3.example.org ?all\""
           "\nd3 TXT \"v=spf1 include:d4.example.org include:d4.example.org ?all\""
           "\nd4 TXT \"v=spf1 include:d5.example.org include:d5.example.org ?all\""
           "\nd5 TXT \"v=spf1 include:d6.example.org include:d6.example.org ?all\""
           "\nd6 TXT \"v=spf1 ip4:192.0.2.1 -all\"",
       "spf.lookups=fail", "or more"},
      {"a look-up behind all is none", spf("v=spf1 mx -all" + numbered(" a:h", 14, ".example.org")),
       "spf.behind_all=warn", "ignored: a:h1.example.org"},
      {"a void look-up", spf("v=spf1 mx a:gone.example.org -all"), "spf.void=warn",
       "1 of 2 void look-ups, a:gone.example.org"},
      {"three are an error (4.6.4)",
       spf("v=spf1 mx" + numbered(" a:gone", 3, ".example.org") + " -all"), "spf.void=fail",
       "3 of 2 void look-ups"},
      {"a host of IPv6 alone is no void look-up",
       spf("v=spf1 mx a:six.example.org -all") + "\nsix AAAA 2001:db8::6", "", ""},
      {"more than ten mail hosts (4.6.4)",
       spf("v=spf1 mx mx:many.example.org -all") + numbered("\nmany MX 10 h", 11, ""),
       "spf.mx_ptr=fail", "finds 11 hosts"},
      {"a loop",
       spf("v=spf1 mx include:l.example.org -all") + "\nl TXT \"v=spf1 include:example.org -all\"",
       "spf.loop=fail", "leads back to example.org"},
      {"+all", spf("v=spf1 mx +all"), "spf.all=fail", "every server of the world"},
      {"all without a qualifier is +all", spf("v=spf1 mx all"), "spf.all=fail", "every server"},
      {"+all of what is included (5.2)",
       spf("v=spf1 mx include:n.example.org -all") + "\nn TXT \"v=spf1 +all\"", "spf.all=fail",
       "+all in the record of n.example.org (by include:n.example.org)"},
      {"?all", spf("v=spf1 mx ?all"), "spf.all=warn", "says nothing"},
      {"no all at the end", spf("v=spf1 mx"), "spf.all=fail", "no all"},
      {"no all where redirect leads",
       spf("v=spf1 redirect=n.example.org") + "\nn TXT \"v=spf1 ip4:192.0.2.1\"", "spf.all=fail",
       "in the record of n.example.org"},
      {"ptr (5.5)", spf("v=spf1 mx ptr -all"), "spf.ptr=warn", "ptr"},
      {"redirect beside all", spf("v=spf1 mx -all redirect=_spf.example.org"),
       "spf.behind_all=warn", "redirect=_spf.example.org"},
      {"a record of more than 450 octets",
       "@ TXT \"v=spf1 mx\" \"" + numbered(" ip4:198.51.100.", 11, "") + "\" \"" +
           numbered(" ip4:203.0.113.", 13, "") + "\" \"" + numbered(" ip6:2001:db8::", 9, "") +
           " -all\"",
       "spf.size=warn", "octets"},
      {"a network that everybody can rent in", spf("v=spf1 ip4:10.0.0.0/8 -all"), "spf.wide=warn",
       "10.0.0.0/8"},
      {"the whole Internet", spf("v=spf1 ip4:0.0.0.0/0 -all"), "spf.wide=fail", "0.0.0.0/0"},
      {"a wide network by a host", spf("v=spf1 mx/8 -all"), "spf.wide=warn", "mx/8"},
      {"of a provider",
       spf("v=spf1 mx include:p.example.net -all") +
           "\np.example.net. TXT \"v=spf1 ip4:198.18.0.0/15 -all\"",
       "spf.wide=info", "198.18.0.0/15"},
      {"the same include twice",
       spf("v=spf1 include:_spf.example.org mx include:_spf.example.org -all"), "spf.unused=warn",
       "adds nothing"},
      {"an include that permits nobody",
       spf("v=spf1 mx include:none.example.org -all") + "\nnone TXT \"v=spf1 -all\"",
       "spf.unused=warn", "include:none.example.org permits nobody"},
      {"an address of a network that is there", spf("v=spf1 ip4:192.0.2.0/24 ip4:192.0.2.7 -all"),
       "spf.unused=info", "ip4:192.0.2.7 adds nothing to ip4:192.0.2.0/24"},
      {"a domain that takes mail and sends none", spf("v=spf1 -all"), "spf.parked=info", "no mail"},
      {"macros are counted, not followed", spf("v=spf1 mx exists:%{i}._spf.example.org -all"), "",
       ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const DomainAudit audit = audit_of(edited(kGoodZone, "@ TXT", row.record));
    CHECK(complaints(audit, "spf.") == row.complaints);
    const std::string id =
        std::string(row.complaints).substr(0, std::string(row.complaints).find('='));
    if (!id.empty()) {
      CHECK(check_of(audit, id).evidence().find(row.evidence) != std::string::npos);
      CHECK(check_of(audit, id).evidence() != "");
    }
  }
}

TEST_CASE("SPF rules: what lets the whole world send does not fulfil point 3.1") {
  const char* const records[] = {"v=spf1 ip4:0.0.0.0/0 -all", "v=spf1 ip4:0.0.0.0/1 -all",
                                 "v=spf1 mx/0 -all", "v=spf1 mx +all"};
  for (const char* const record : records) {
    CAPTURE(record);
    for (const PointResult& point : audit_of(edited(kGoodZone, "@ TXT", spf(record))).points) {
      if (point.point->point == "3.1") CHECK(point.status == PointStatus::not_fulfilled);
    }
  }
}

TEST_CASE("SPF rules: a domain without mail is good, and its halves are not") {
  const struct {
    const char* why;
    const char* line;
    const char* instead;
    const char* complaints;
  } rows[] = {
      {"both say so", "@ MX", "@ MX 0 .", ""},
      {"a null MX record beside servers that send (RFC 7505 4.2)", "@ TXT",
       "@ TXT \"v=spf1 ip4:192.0.2.1 -all\"", "spf.parked=warn"},
      {"nobody is permitted by redirect either", "@ TXT",
       "@ TXT \"v=spf1 redirect=none.parked.example\"\nnone TXT \"v=spf1 -all\"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const DomainAudit audit =
        audit_of(edited(kParkedZone, row.line, row.instead), dns_alone(), "parked.example");
    CHECK(complaints(audit, "spf.") == row.complaints);
  }
}

TEST_CASE("SPF rules say unknown where the DNS does not answer") {
  const auto judged = [](const char* name, DnsFault fault) {
    const auto resolver = make_test_resolver(
        edited(kGoodZone, "@ TXT", "@ TXT \"v=spf1 mx include:down.example -all\""),
        {{name, fault}});
    return judge_domain(facts_of(*resolver), AuditHeader{}, AuditProfile{});
  };
  CHECK(complaints(judged("down.example", DnsFault::timeout), "spf.") ==
        "spf.syntax=unknown spf.lookups=unknown");
  const auto resolver = make_test_resolver("", {{"example.org", DnsFault::bogus}});
  const DomainAudit audit = judge_domain(facts_of(*resolver), AuditHeader{}, AuditProfile{});
  CHECK(complaints(audit, "spf.") == "spf.exists=unknown");
  CHECK(check_of(audit, "spf.exists").evidence().find("dnssec-bogus") != std::string::npos);
}
