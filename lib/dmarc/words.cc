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
    case DmarcReason::single_label_domain:
      return "single-label-domain";
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

}  // namespace authmilter
