#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/findings.h>
#include <authmilter/ip_address.h>
#include <authmilter/pattern.h>
#include <authmilter/smtp_reply.h>

namespace authmilter {

/// What happens to a message, mildest first but for discard.
enum class Disposition : std::uint8_t { accept, tag, quarantine, reject, tempfail, discard };
std::string_view to_string(Disposition disposition);

/// The actions of `[policy]`; an override has only those it names.
struct PolicyActions {
  std::optional<Disposition> spf_fail, spf_softfail, spf_temperror, spf_permerror;
  std::optional<Disposition> dmarc_reject, dmarc_quarantine, dmarc_temperror, dmarc_permerror;
  bool operator==(const PolicyActions&) const = default;
};
/// Every member set: the documented defaults.
PolicyActions default_policy_actions();

/// `[[policy.override]]`: applies when every condition that it names holds; each list holds when
/// one member does. Recipients are looked at one by one, see decide().
struct PolicyOverride {
  std::vector<Network> client;
  std::vector<DomainPattern> author_domain;
  std::vector<AddressPattern> mail_from;
  std::vector<AddressPattern> recipient;
  std::vector<DomainPattern> dkim_domain;  // of a passing signature
  PolicyActions actions;
  bool operator==(const PolicyOverride&) const = default;
};

struct PolicyConfig {
  PolicyActions actions = default_policy_actions();
  std::string tag_subject;
  std::vector<PolicyOverride> overrides;
};

/// What decided about a message. Behind the findings' own are those that the policy is not asked
/// for: a limit, a message of ours, a failure of ours.
enum class Rule : std::uint8_t {
  nothing,
  dmarc_pass,
  dmarc_reject,
  dmarc_quarantine,
  dmarc_none,
  dmarc_temperror,
  dmarc_permerror,
  spf_fail,
  spf_softfail,
  spf_temperror,
  spf_permerror,
  limit_header,
  limit_dns,
  signing,
  internal,
};
/// "dmarc.reject", "spf.fail", "default".
std::string_view to_string(Rule rule);

struct Decision {
  Disposition disposition = Disposition::accept;
  Rule rule = Rule::nothing;
  std::optional<std::size_t> by_override;  // its place in `[policy]`, from 0, where one decided
  std::string reason;              // one line for the log and the X-Authmilter-Verdict field
  std::optional<SmtpReply> reply;  // for reject and tempfail
};

/// The rule as it is logged: "dmarc.reject", "spf.fail (override 2)", counted from 1 in the order
/// of the file.
std::string rule_text(const Decision& decision);

/// Pure. A DMARC pass ends it: the message is the author's. With a DMARC policy that applies, that
/// decides; without one (none, temperror, permerror) the strictest of the actions for DMARC's and
/// SPF's results does. DMARC with p=none asks for nothing, so SPF's action counts there too.
///
/// Of the overrides the first that applies counts, for each recipient by itself, and the message
/// gets the strictest of what its recipients would get: what is stricter than without an override
/// holds if any recipient matches, what is milder only if all do. A recipient that cannot be read
/// may be anybody: it matches what makes the message's lot worse.
Decision decide(const Findings& findings, const PolicyConfig& policy);

/// The results of one message for its Authentication-Results field, in the order spf, dkim, dmarc.
struct AuthenticationResults;
AuthenticationResults make_authentication_results(const Findings& findings,
                                                  const DomainName& authserv_id);

}  // namespace authmilter
