#include <doctest/doctest.h>

#include "lib/audit/good_zone.h"
#include "lib/audit/judged_zone.h"

using namespace authmilter;

TEST_CASE("DMARC rules: a record that is wrong in one way, and the rule that says it") {
  const std::string rua = "; rua=mailto:dmarc@example.org\"";
  const std::string record = "_dmarc TXT \"v=DMARC1; p=reject";
  const struct {
    const char* why;
    std::string lines;  // instead of the good domain's record
    const char* complaints;
    const char* evidence;  // of the first of them, a part
  } rows[] = {
      {"the good domain", record + rua, "", ""},
      {"none", "", "dmarc.exists=fail", "_dmarc.example.org: "},
      {"a wrong version is no record (4.7)", "_dmarc TXT \"v=dmarc1; p=reject" + rua,
       "dmarc.exists=fail", "this is none: \"v=dmarc1"},
      {"two records count as none (4.10)", record + rua + "\n" + record + "\"", "dmarc.single=fail",
       "2 records"},
      {"a tag twice", record + "; p=none" + rua, "dmarc.syntax=fail", "tag \"p\" occurs twice"},
      {"a wrong value of p", "_dmarc TXT \"v=DMARC1; p=rejekt" + rua,
       "dmarc.syntax=fail dmarc.policy=fail", "tag \"p\" has no valid value"},
      {"p is missing", "_dmarc TXT \"v=DMARC1" + rua, "dmarc.syntax=fail dmarc.policy=fail",
       "tag \"p\" is missing"},
      {"a wrong value of another tag", record + "; adkim=x" + rua, "dmarc.syntax=warn",
       "tag \"adkim\" has no valid value"},
      {"not a tag", record + "; strict" + rua, "dmarc.syntax=warn", "not a tag"},
      {"an unknown tag", record + "; policy=x" + rua, "dmarc.syntax=warn", "\"policy\" is unknown"},
      {"pct other than 100 (the measure, 3.3)", record + "; pct=50" + rua, "dmarc.syntax=fail",
       "pct=50 is a removed tag"},
      {"pct 100 does no harm", record + "; pct=100" + rua, "dmarc.removed_tags=info", "pct=100"},
      {"other removed tags", record + "; rf=afrf; ri=86400" + rua, "dmarc.removed_tags=info",
       "rf=afrf, ri=86400"},
      {"p=none", "_dmarc TXT \"v=DMARC1; p=none; np=reject" + rua, "dmarc.policy=fail",
       "p of _dmarc.example.org gives none"},
      {"quarantine is enough", "_dmarc TXT \"v=DMARC1; p=quarantine; np=reject" + rua, "", ""},
      {"names below are not protected", record + "; sp=none; np=reject" + rua,
       "dmarc.subdomains=warn", "p=reject, names below: none"},
      {"nor those that do not exist", record + "; np=none" + rua, "dmarc.nonexistent=warn", "none"},
      {"np is advised (RFC 9989)", "_dmarc TXT \"v=DMARC1; p=quarantine" + rua,
       "dmarc.nonexistent=info", "as there is no np"},
      {"a registry's", record + "; psd=y" + rua, "dmarc.psd=warn", "psd=y"},
      {"an organisation of its own", record + "; psd=n" + rua, "dmarc.psd=info", "psd=n"},
      {"only tried", record + "; t=y" + rua, "dmarc.testing=warn", "t=y"},
      {"no reports", record + "\"", "dmarc.rua=warn", "no rua"},
      {"an address that is none", record + "; rua=dmarc@example.org\"", "dmarc.rua=fail",
       "no address that reports can be sent to"},
      {"failure reports", record + "; ruf=mailto:f@example.org" + rua, "dmarc.ruf=info",
       "f@example.org"},
      {"failure reports to nobody", record + "; ruf=f@example.org" + rua, "dmarc.ruf=fail",
       "no address"},
      {"a stranger that has not agreed (RFC 9990 4)",
       record + "; rua=mailto:x@reports.example\"\nreports.example. MX 10 mx1.example.org.",
       "dmarc.external=fail", "example.org._report._dmarc.reports.example"},
      {"one that has",
       record + "; rua=mailto:x@reports.example\"\nreports.example. MX 10 mx1.example.org.\n"
                "example.org._report._dmarc.reports.example. TXT \"v=DMARC1\"",
       "", ""},
      {"for everybody",
       record + "; rua=mailto:x@reports.example\"\nreports.example. MX 10 mx1.example.org.\n"
                "*._report._dmarc.reports.example. TXT \"v=DMARC1;\"",
       "", ""},
      {"one that takes no mail",
       record + "; rua=mailto:x@reports.example\"\nreports.example. MX 0 .\n"
                "example.org._report._dmarc.reports.example. TXT \"v=DMARC1\"",
       "dmarc.external=fail", "takes no mail"},
      {"a name below with a weaker record", record + rua + "\n_dmarc.www TXT \"v=DMARC1; p=none\"",
       "dmarc.below=warn", "www.example.org"},
      {"a mail host with a weaker record",
       record + rua + "\n_dmarc.mx2 TXT \"v=DMARC1; p=quarantine\"", "dmarc.below=warn",
       "mx2.example.org"},
      {"one that is as strict", record + rua + "\n_dmarc.www TXT \"v=DMARC1; p=reject\"", "", ""},
      {"strict alignment", record + "; aspf=s" + rua, "dmarc.alignment=info", "SPF strict"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const DomainAudit audit = audit_of(edited(kGoodZone, "_dmarc TXT", row.lines));
    CHECK(complaints(audit, "dmarc.") == row.complaints);
    const std::string id =
        std::string(row.complaints).substr(0, std::string(row.complaints).find('='));
    if (!id.empty()) CHECK(check_of(audit, id).evidence().find(row.evidence) != std::string::npos);
  }
}

TEST_CASE("DMARC rules: a record from above") {
  const auto audit = [](const char* record) {
    return audit_of(edited(kGoodZone, "_dmarc TXT", record), dns_alone(), "mx1.example.org");
  };
  CHECK(complaints(audit("_dmarc TXT \"v=DMARC1; p=reject; rua=mailto:d@example.org\""),
                   "dmarc.") == "dmarc.inherited=info");
  // RFC 9989 section 4.10.1: for a name below sp is the policy.
  CHECK(complaints(audit("_dmarc TXT \"v=DMARC1; p=reject; sp=none; np=reject; "
                         "rua=mailto:d@example.org\""),
                   "dmarc.") == "dmarc.policy=fail dmarc.subdomains=warn dmarc.inherited=info");
}

TEST_CASE("DMARC rules: a domain without mail needs no reports") {
  CHECK(complaints(audit_of(kParkedZone, dns_alone(), "parked.example"), "dmarc.") ==
        "dmarc.rua=info");
}

TEST_CASE("DMARC rules say unknown where the DNS does not answer") {
  const auto resolver = make_test_resolver("example.org. MX 10 mx.example.org.",
                                           {{"_dmarc.example.org", DnsFault::servfail}});
  const DomainAudit audit = judge_domain(facts_of(*resolver), AuditHeader{}, AuditProfile{});
  CHECK(complaints(audit, "dmarc.") == "dmarc.exists=unknown");
}
