#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/policy_record.h>
#include <authmilter/resolver.h>

namespace authmilter {

/// The TXT records at `_dmarc.` + `name` that are DMARC's, as they were published.
struct DmarcRecords {
  DomainName name;  // without "_dmarc."
  DnsQuestion question;
  DnsAnswerRef answer;
  std::vector<std::string> texts;
};
DmarcRecords find_dmarc_records(const DomainName& name, Resolver& dns);

/// A place that reports are to be sent to.
struct ReportPlace {
  std::string tag;  // "rua" or "ruf"
  ReportAddress address;
  /// The TXT record with which the place agrees (RFC 9990 section 4); nothing: it need not, being
  /// of the same organization.
  std::optional<DnsQuestion> agreement_at;
  bool agrees = false;
  std::optional<FailedLookup> undecided;
  /// Whether mail can be sent there: MX records, or the domain's own address.
  bool reachable = false;
};
std::vector<ReportPlace> find_report_places(const DomainName& policy_domain,
                                            const PolicyRecord& record, Resolver& dns);

/// Names below a domain that may have DMARC records of their own: those of its mail hosts and the
/// usual ones.
std::vector<DomainName> names_below(const DomainName& domain, Resolver& dns);

}  // namespace authmilter
