#include <authmilter/sign.h>

#include "base/words.h"

namespace authmilter {
namespace {

using R = SigningReason;
constexpr Word<R> kReasons[] = {
    {R::none, ""},
    {R::made, "signed"},
    {R::no_key, "no-key"},
    {R::sender_mismatch, "sender-mismatch"},
    {R::judged_before, "judged-before"},
    {R::signed_before, "signed-before"},
    {R::no_author_domain, "no-author-domain"},
    {R::multiple_from_fields, "multiple-from-fields"},
    {R::multiple_author_domains, "multiple-author-domains"},
    {R::invalid_author_domain, "invalid-author-domain"},
    {R::malformed_field_name, "malformed-field-name"},
    {R::bare_cr_in_header, "bare-cr-in-header"},
    {R::broken_fold_in_header, "broken-fold-in-header"},
    {R::header_limit_exceeded, "header-limit-exceeded"},
    {R::keys_unusable, "keys-unusable"},
    {R::signing_failed, "signing-failed"},
};
static_assert(is_complete(kReasons, R::signing_failed));

}  // namespace

std::string_view to_string(SigningReason reason) { return word_of(kReasons, reason); }

}  // namespace authmilter
