#include "dmarc/words.h"

#include <authmilter/dmarc.h>

namespace authmilter {

std::string_view to_string(DmarcResult result) {
  switch (result) {
    case DmarcResult::none:
      return "none";
    case DmarcResult::pass:
      return "pass";
    case DmarcResult::fail:
      return "fail";
    case DmarcResult::temperror:
      return "temperror";
    case DmarcResult::permerror:
      return "permerror";
  }
  return "temperror";
}

std::string_view to_string(AssessmentPolicy policy) {
  switch (policy) {
    case AssessmentPolicy::none:
      return "none";
    case AssessmentPolicy::quarantine:
      return "quarantine";
    case AssessmentPolicy::reject:
      return "reject";
  }
  return "none";
}

std::string_view to_string(DmarcReason reason) {
  switch (reason) {
    case DmarcReason::aligned_spf:
      return "aligned-spf";
    case DmarcReason::aligned_dkim:
      return "aligned-dkim";
    case DmarcReason::aligned_spf_and_dkim:
      return "aligned-spf-and-dkim";
    case DmarcReason::no_aligned_identifier:
      return "no-aligned-identifier";
    case DmarcReason::no_record:
      return "no-record";
    case DmarcReason::no_usable_policy:
      return "no-usable-policy";
    case DmarcReason::dns_timeout:
      return "dns-timeout";
    case DmarcReason::dns_servfail:
      return "dns-servfail";
    case DmarcReason::dns_malformed:
      return "dns-malformed";
    case DmarcReason::dnssec_bogus:
      return "dnssec-bogus";
    case DmarcReason::dns_limit:
      return "dns-limit";
    case DmarcReason::dns_overload:
      return "dns-overload";
    case DmarcReason::aligned_identifier_temperror:
      return "aligned-identifier-temperror";
    case DmarcReason::identifier_limit:
      return "identifier-limit";
    case DmarcReason::internal_error:
      return "internal-error";
    case DmarcReason::unusable_author_domain:
      return "unusable-author-domain";
  }
  return "internal-error";
}

DmarcReason reason_for(DnsFault fault) {
  switch (fault) {
    case DnsFault::timeout:
      return DmarcReason::dns_timeout;
    case DnsFault::none:
    case DnsFault::servfail:
      return DmarcReason::dns_servfail;
    case DnsFault::bogus:
      return DmarcReason::dnssec_bogus;
    case DnsFault::malformed:
      return DmarcReason::dns_malformed;
    case DnsFault::limit:
      return DmarcReason::dns_limit;
    case DnsFault::overload:
      return DmarcReason::dns_overload;
  }
  return DmarcReason::internal_error;
}

}  // namespace authmilter
