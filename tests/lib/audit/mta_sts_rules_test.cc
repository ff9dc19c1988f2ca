#include <doctest/doctest.h>

#include "lib/audit/good_zone.h"
#include "lib/audit/judged_zone.h"

using namespace authmilter;

TEST_CASE("records of MTA-STS, TLSRPT and BIMI that are wrong, and the rule that says it") {
  const struct {
    const char* why;
    const char* line;
    const char* instead;
    const char* complaints;  // but that there is no logo
  } rows[] = {
      {"the good domain", "", "", ""},
      {"no MTA-STS", "_mta-sts", "", "mtasts.record=warn"},
      {"two (RFC 8461 3.1)", "_mta-sts",
       "_mta-sts TXT \"v=STSv1; id=1\"\n_mta-sts TXT \"v=STSv1; id=2\"", "mtasts.record=fail"},
      {"no id", "_mta-sts", "_mta-sts TXT \"v=STSv1;\"", "mtasts.record=fail"},
      {"an id of 33 letters", "_mta-sts",
       "_mta-sts TXT \"v=STSv1; id=abcdefghijklmnopqrstuvwxyz1234567\"", "mtasts.record=fail"},
      {"an id with a hyphen", "_mta-sts", "_mta-sts TXT \"v=STSv1; id=2026-11-29\"",
       "mtasts.record=fail"},
      {"a semicolon at the end", "_mta-sts", "_mta-sts TXT \"v=STSv1; id=1;\"", ""},
      {"no TLSRPT", "_smtp._tls", "", "tlsrpt.exists=warn"},
      {"two (RFC 8460 3)", "_smtp._tls",
       "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:a@b.example\"\n"
       "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:c@d.example\"",
       "tlsrpt.exists=fail"},
      {"no destination", "_smtp._tls", "_smtp._tls TXT \"v=TLSRPTv1;\"", "tlsrpt.exists=fail"},
      {"an address without mailto:", "_smtp._tls", "_smtp._tls TXT \"v=TLSRPTv1; rua=a@b.example\"",
       "tlsrpt.exists=fail"},
      {"two destinations", "_smtp._tls",
       "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:a@b.example,https://c.example/x\"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const DomainAudit audit = audit_of(edited(kGoodZone, row.line, row.instead));
    std::string wanted = row.complaints;
    wanted += (wanted.empty() ? "" : " ") + std::string("bimi.record=info");
    // What is fetched is another's: nothing was.
    CHECK(complaints(audit, "mtasts. tlsrpt. bimi.").find(wanted) != std::string::npos);
  }
  const auto with = [](const char* text) {
    return complaints(audit_of(edited(kGoodZone, "", std::string("default._bimi TXT ") + text)),
                      "bimi.");
  };
  CHECK(with("\"v=BIMI1; l=https://example.org/logo.svg\"") == "");
  CHECK(with("\"v=BIMI1; l=; a=\"") == "");
  CHECK(with("\"v=BIMI1; l=http://example.org/logo.svg\"") == "bimi.record=warn");
}

TEST_CASE("a domain that neither sends nor takes mail comes out good") {
  const DomainAudit audit = audit_of(kParkedZone, dns_alone({}), "parked.example");
  CHECK(complaints(audit, "spf. dkim. dmarc. mx. dnssec. mtasts. tlsrpt. bimi.") ==
        "dmarc.rua=info");
  CHECK(check_of(audit, "spf.parked").status == CheckStatus::pass);
  CHECK(check_of(audit, "mx.null").status == CheckStatus::pass);
}
