#include <authmilter/spf.h>

#include "base/words.h"

namespace authmilter {
namespace {

using R = SpfReason;
constexpr Word<R> kReasons[] = {
    {R::none, ""},
    {R::matched, "matched"},
    {R::by_default, "default"},
    {R::no_client_address, "no-client-address"},
    {R::no_helo, "no-helo"},
    {R::invalid_helo, "invalid-helo"},
    {R::invalid_local_part, "invalid-local-part"},
    {R::invalid_domain, "invalid-domain"},
    {R::no_record, "no-record"},
    {R::include_without_record, "include-without-record"},
    {R::redirect_without_record, "redirect-without-record"},
    {R::multiple_records, "multiple-records"},
    {R::syntax_error, "syntax-error"},
    {R::record_too_long, "record-too-long"},
    {R::term_too_long, "term-too-long"},
    {R::too_many_terms, "too-many-terms"},
    {R::too_many_lookups, "too-many-lookups"},
    {R::too_many_void_lookups, "too-many-void-lookups"},
    {R::too_many_mx, "too-many-mx"},
    {R::local_part_too_long, "local-part-too-long"},
    {R::internal_error, "internal-error"},
};
static_assert(is_complete(kReasons, R::internal_error));

}  // namespace

std::string_view to_string(SpfReason reason) { return word_of(kReasons, reason); }

}  // namespace authmilter
