#include "report_sending/destination_check.h"

#include <algorithm>

#include <authmilter/dmarc.h>

#include "dmarc/policy_record.h"
#include "dmarc/report_destinations.h"

namespace authmilter {
namespace {

using State = CheckedDestination::State;

CheckedDestination not_sent(State state, std::string reason) {
  return {state, {}, std::move(reason)};
}

const ReportDestinations& destinations(const PolicyRecord& record, ReportTag tag) {
  return tag == ReportTag::rua ? record.rua : record.ruf;
}

}  // namespace

std::optional<DomainName> DestinationCheck::organizational_domain(const DomainName& name) {
  const auto known = organizations_.find(name);
  if (known != organizations_.end()) return known->second;
  auto found = discover_dmarc(name, resolver_).organizational_domain();
  return organizations_.emplace(name, std::move(found)).first->second;
}

DomainName DestinationCheck::owner(const DomainName& name) {
  return organizational_domain(name).value_or(name);
}

const DestinationCheck::Agreement& DestinationCheck::ask(const DomainName& policy_domain,
                                                         const DomainName& host) {
  const auto [place, is_new] = agreements_.try_emplace({policy_domain, host});
  Agreement& found = place->second;
  if (!is_new) return found;
  // RFC 9990 section 4, steps 2 to 4: a name that is too long for the DNS is a refusal.
  const auto name = host.below(policy_domain.text() + "._report._dmarc");
  if (!name) {
    found.reason = "the name that would say that " + host.text() + " agrees is too long";
    return found;
  }
  const auto answer = resolver_.resolve({DnsName(*name), RrType::txt});
  // RFC 9990 section 4, step 5: may be tried again later.
  if (answer->status == DnsStatus::temperror) {
    found.state = State::later;
    found.reason = name->text() + ": " + std::string(temperror_reason(answer->fault));
    return found;
  }
  // RFC 9990 section 4, steps 6 and 7: the version comes first, everything else may be missing.
  for (const std::string& text : answer->texts()) {
    if (!is_policy_record(text)) continue;
    if (auto record = parse_policy_record(text)) found.records.push_back(std::move(*record));
  }
  if (found.records.empty()) {
    found.reason = host.text() + " does not agree: no record at " + name->text();
    return found;
  }
  found.state = State::send;
  return found;
}

CheckedDestination DestinationCheck::agreement(const DomainName& policy_domain,
                                               const ReportAddress& address, ReportTag tag) {
  const Agreement& found = ask(policy_domain, address.domain);
  if (found.state != State::send) return not_sent(found.state, found.reason);
  // RFC 9990 section 4, step 8: here several records are not a fault.
  const auto replacing =
      std::find_if(found.records.begin(), found.records.end(),
                   [&](const PolicyRecord& record) { return destinations(record, tag).any_valid; });
  if (replacing == found.records.end()) return {State::send, {address}, ""};
  // RFC 9990 section 4, step 9: whoever agrees may name another address on the same host. With
  // another host, in any of the records, neither address gets anything.
  for (const PolicyRecord& record : found.records) {
    for (const ReportAddress& other : destinations(record, tag).addresses) {
      if (other.domain == address.domain) continue;
      return not_sent(State::ignore, address.domain.text() + " sends reports on to " +
                                         other.domain.text() + ", which is not allowed");
    }
  }
  const auto& addresses = destinations(*replacing, tag).addresses;
  if (addresses.empty())
    return not_sent(State::ignore, address.domain.text() + " asks for reports by no mail");
  return {State::send, addresses, ""};
}

CheckedDestination DestinationCheck::check(const DomainName& policy_domain, std::string_view uri,
                                           ReportTag tag) {
  const ReportDestinations parsed = parse_report_destinations(uri);
  // RFC 9990 section 3.5: malformed URIs, and those of other schemes, are ignored.
  if (parsed.addresses.size() != 1) return not_sent(State::ignore, "not an address for mail");
  const ReportAddress& address = parsed.addresses.front();
  const DomainName& host = address.domain;
  if (host.label_count() < 2)
    return not_sent(State::ignore, host.text() + " means something else on each host");
  if (host == policy_domain) return {State::send, {address}, ""};
  if (!host.below("_dmarc")) return not_sent(State::ignore, host.text() + " is too long");
  const auto host_owner = organizational_domain(host);
  const auto policy_owner = organizational_domain(policy_domain);
  if (!host_owner || !policy_owner) {
    return not_sent(State::later, "the DNS does not say whose " +
                                      (host_owner ? policy_domain : host).text() + " is");
  }
  if (*host_owner == *policy_owner) return {State::send, {address}, ""};
  return agreement(policy_domain, address, tag);
}

}  // namespace authmilter
