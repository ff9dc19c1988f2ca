#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/policy_record.h>
#include <authmilter/resolver.h>

namespace authmilter {

/// Which tag of a policy record asks for a report: aggregate (RFC 9990) or failure (RFC 9991).
enum class ReportTag : std::uint8_t { rua, ruf };

/// What is known of one URI of a policy record.
struct CheckedDestination {
  enum class State : std::uint8_t {
    send,    // to `addresses`
    ignore,  // now and in future
    later,   // the DNS did not say
  };
  State state = State::ignore;
  std::vector<ReportAddress> addresses = {};  // the URI's own, or those it was replaced by
  std::string reason = {};                    // for people, where nothing is sent
  bool operator==(const CheckedDestination&) const = default;
};

/// Says which of the addresses that a domain asks reports to be sent to have agreed (RFC 9990
/// section 4): anybody can publish the address of a victim. Keeps what the DNS has said for as long
/// as it lives, refusals too, so one object serves one run. One thread at a time; `resolver` must
/// outlive it.
class DestinationCheck {
 public:
  explicit DestinationCheck(Resolver& resolver) : resolver_(resolver) {}
  /// `policy_domain` is where the record with this URI was found. Looks names up, so it blocks.
  CheckedDestination check(const DomainName& policy_domain, std::string_view uri, ReportTag tag);
  /// Whose a name is: its Organizational Domain, or the name where the DNS does not say.
  DomainName owner(const DomainName& name);

 private:
  /// Nothing: the DNS left it open.
  std::optional<DomainName> organizational_domain(const DomainName& name);
  /// Of a host outside of the policy domain's organization.
  CheckedDestination agreement(const DomainName& policy_domain, const ReportAddress& address,
                               ReportTag tag);

  /// TXT records of `<policy domain>._report._dmarc.<host>` that count as DMARC records.
  struct Agreement {
    CheckedDestination::State state = CheckedDestination::State::ignore;
    std::string reason = {};
    std::vector<PolicyRecord> records = {};
  };
  const Agreement& ask(const DomainName& policy_domain, const DomainName& host);

  Resolver& resolver_;
  std::map<DomainName, std::optional<DomainName>> organizations_;
  std::map<std::pair<DomainName, DomainName>, Agreement> agreements_;
};

}  // namespace authmilter
