#include <authmilter/dmarc.h>

#include "base/words.h"

namespace authmilter {
namespace {

using R = DmarcReason;
constexpr Word<R> kReasons[] = {
    {R::none, ""},
    {R::aligned_spf, "aligned-spf"},
    {R::aligned_dkim, "aligned-dkim"},
    {R::aligned_spf_and_dkim, "aligned-spf-and-dkim"},
    {R::no_aligned_identifier, "no-aligned-identifier"},
    {R::no_record, "no-record"},
    {R::no_usable_policy, "no-usable-policy"},
    {R::single_label_domain, "single-label-domain"},
    {R::aligned_identifier_temperror, "aligned-identifier-temperror"},
    {R::identifier_limit, "identifier-limit"},
    {R::internal_error, "internal-error"},
    {R::unusable_author_domain, "unusable-author-domain"},
    {R::no_author_domain, "no-author-domain"},
    {R::multiple_from_fields, "multiple-from-fields"},
    {R::multiple_author_domains, "multiple-author-domains"},
    {R::invalid_author_domain, "invalid-author-domain"},
    {R::malformed_field_name, "malformed-field-name"},
    {R::bare_cr_in_header, "bare-cr-in-header"},
    {R::broken_fold_in_header, "broken-fold-in-header"},
    {R::header_limit_exceeded, "header-limit-exceeded"},
    {R::not_judged, "not-judged"},
};
static_assert(is_complete(kReasons, R::not_judged));

}  // namespace

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

std::string_view to_string(PolicyTag tag) {
  switch (tag) {
    case PolicyTag::p:
      return "p";
    case PolicyTag::sp:
      return "sp";
    case PolicyTag::np:
      return "np";
  }
  return "p";
}

std::string_view to_string(DmarcReason reason) { return word_of(kReasons, reason); }

}  // namespace authmilter
