#include <array>
#include <utility>

#include <authmilter/policy.h>

namespace authmilter {

std::string_view to_string(Disposition disposition) {
  switch (disposition) {
    case Disposition::accept:
      return "accept";
    case Disposition::tag:
      return "tag";
    case Disposition::quarantine:
      return "quarantine";
    case Disposition::reject:
      return "reject";
    case Disposition::tempfail:
      return "tempfail";
    case Disposition::discard:
      return "discard";
  }
  return "";
}

PolicyActions default_policy_actions() {
  PolicyActions actions;
  // RFC 7208 section 8.4 and 8.5: a fail is a strong statement, a softfail a weak one. Forwarded
  // mail fails too, so neither is refused for SPF alone (RFC 9989 section 7.1).
  actions.spf_fail = Disposition::tag;
  actions.spf_softfail = Disposition::accept;
  actions.spf_temperror = Disposition::accept;
  actions.spf_permerror = Disposition::accept;
  actions.dmarc_reject = Disposition::reject;
  actions.dmarc_quarantine = Disposition::quarantine;
  // RFC 9989 section 5.3.6 leaves the choice. What is let in while the DNS fails is let in for
  // whoever can make it fail; a sender that is asked to come again loses time only.
  actions.dmarc_temperror = Disposition::tempfail;
  // RFC 9989 section 11.5: a From field that names no single author evades every policy, so it is
  // refused instead of being exempt.
  actions.dmarc_permerror = Disposition::reject;
  return actions;
}

}  // namespace authmilter
