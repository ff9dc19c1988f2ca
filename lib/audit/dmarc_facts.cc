#include "audit/dmarc_facts.h"

#include <algorithm>

#include <authmilter/dmarc.h>

#include "audit/mail_hosts.h"
#include "dmarc/policy_record.h"
#include "dmarc/tree_walk.h"

namespace authmilter {
namespace {

/// What `place` says to reports about `policy_domain` (RFC 9990 section 4).
void ask_for_agreement(ReportPlace& place, const DomainName& policy_domain, Resolver& dns) {
  const DmarcDiscovery own = discover_dmarc(policy_domain, dns);
  const DmarcDiscovery other = discover_dmarc(place.address.domain, dns);
  const auto organization = own.organizational_domain();
  if (organization && organization == other.organizational_domain()) {
    place.agrees = true;
    return;
  }
  // RFC 9990 section 4: a name that is too long for the DNS cannot agree.
  const auto name = place.address.domain.below(policy_domain.text() + "._report._dmarc");
  if (!name) return;
  place.agreement_at = DnsQuestion{*name, RrType::txt};
  const DnsAnswerRef answer = dns.resolve(*place.agreement_at);
  if (answer->status == DnsStatus::temperror)
    place.undecided = FailedLookup{*place.agreement_at, answer->fault};
  const auto texts = answer->texts();
  place.agrees = std::any_of(texts.begin(), texts.end(),
                             [](const std::string& text) { return is_policy_record(text); });
}

void ask_for_mail_hosts(ReportPlace& place, Resolver& dns) {
  const MailHosts found = find_mail_hosts(place.address.domain, dns);
  place.reachable = !found.hosts.empty();
  if (found.mx->status == DnsStatus::temperror && !place.undecided)
    place.undecided = FailedLookup{{place.address.domain, RrType::mx}, found.mx->fault};
}

}  // namespace

DmarcRecords find_dmarc_records(const DomainName& name, Resolver& dns) {
  // A name that leaves no room for the prefix has no record; what is asked then is the name itself.
  const DomainName at = policy_record_name(name).value_or(name);
  DmarcRecords found{name, {at, RrType::txt}, dns.resolve({at, RrType::txt}), {}};
  for (std::string& text : found.answer->texts()) {
    if (is_policy_record(text)) found.texts.push_back(std::move(text));
  }
  return found;
}

std::vector<ReportPlace> find_report_places(const DomainName& policy_domain,
                                            const PolicyRecord& record, Resolver& dns) {
  std::vector<ReportPlace> places;
  for (const auto& [tag, destinations] :
       {std::pair("rua", &record.rua), std::pair("ruf", &record.ruf)}) {
    for (const ReportAddress& address : destinations->addresses) {
      ReportPlace place{tag, address, {}, false, {}, false};
      ask_for_agreement(place, policy_domain, dns);
      ask_for_mail_hosts(place, dns);
      places.push_back(std::move(place));
    }
  }
  return places;
}

std::vector<DomainName> names_below(const DomainName& domain, Resolver& dns) {
  std::vector<DomainName> names;
  const auto add = [&](const std::optional<DomainName>& name) {
    if (name && *name != domain && name->is_equal_or_below(domain) &&
        std::find(names.begin(), names.end(), *name) == names.end())
      names.push_back(*name);
  };
  for (const MailHost& host : find_mail_hosts(domain, dns).hosts) add(host.name);
  for (const char* const label : {"mail", "www", "news", "newsletter"}) add(domain.below(label));
  return names;
}

}  // namespace authmilter
