#pragma once

#include <string>
#include <vector>

#include <authmilter/audit_view.h>

namespace authmilter::test_audit {

// Rules and results that are made for tests of what shows them.

inline constexpr AuditRule kSpfRule{
    "spf.all", "SPF says what becomes of others", "the record", "RFC 7208 section 5.1",
    "3.1",     "What it is.\n\nWhy it\nmatters.", nullptr};
inline constexpr AuditRule kDmarcRule{"dmarc.policy", "DMARC asks for something",
                                      "the record",   "RFC 9989 section 4.7",
                                      "3.3",          "A page.",
                                      nullptr};
inline constexpr AuditRule kTlsRule{"tls.version", "No old TLS", "each server", "RFC 8996",
                                    "1.2.1 1.2.2", "A page.",    nullptr};
inline constexpr AuditRule kOtherRule{"odd.rule", "Something else", "", "", "", "A page.", nullptr};

inline AuditCheck made_check(const AuditRule& rule, CheckStatus status, const std::string& evidence,
                             const std::string& remedy = "") {
  return {&rule, status, {{status, "", evidence, remedy}}};
}

/// One domain with a check of each status but info, of which one has two verdicts.
inline DomainAudit made_domain(const std::string& name = "example.org") {
  AuditCheck tls{&kTlsRule,
                 CheckStatus::warn,
                 {{CheckStatus::warn, "mx1.example.org 192.0.2.1", "TLS 1.0", "Turn it off."},
                  {CheckStatus::pass, "mx2.example.org 192.0.2.2", "TLS 1.3", ""}}};
  DomainAudit audit{DomainName::parse(name).value(),
                    {made_check(kSpfRule, CheckStatus::pass, "v=spf1 -all"),
                     made_check(kDmarcRule, CheckStatus::fail, "v=DMARC1; p=none",
                                "Publish \"v=DMARC1; p=reject\"."),
                     tls, made_check(kOtherRule, CheckStatus::unknown, "the DNS is silent")},
                    {}};
  audit.points = judge_points(audit.checks);
  return audit;
}

struct MadeReport {
  AuditHeader header{"authmilter 1.0", 1795953600, "127.0.0.1, validated", "OpenSSL 3.0.17", {}};
  AuditProfile profile;
  std::vector<DomainAudit> domains = {made_domain()};
  std::vector<std::vector<CheckChange>> changes;
  std::int64_t since = 0;
  AuditReport report() const { return {header, profile, domains, "abcdef", since, changes}; }
};

}  // namespace authmilter::test_audit
