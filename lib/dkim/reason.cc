#include "dkim/reason.h"

#include "base/words.h"

namespace authmilter {
namespace {

using R = DkimReason;
constexpr Word<R> kReasons[] = {
    {R::none, ""},
    {R::missing_v, "missing-v"},
    {R::unsupported_version, "unsupported-version"},
    {R::missing_d, "missing-d"},
    {R::bad_domain, "bad-domain"},
    {R::domain_not_public, "domain-not-public"},
    {R::missing_s, "missing-s"},
    {R::bad_selector, "bad-selector"},
    {R::bad_identity, "bad-identity"},
    {R::identity_not_in_domain, "identity-not-in-domain"},
    {R::missing_a, "missing-a"},
    {R::algorithm_not_allowed, "algorithm-not-allowed"},
    {R::unknown_algorithm, "unknown-algorithm"},
    {R::missing_b, "missing-b"},
    {R::bad_signature_value, "bad-signature-value"},
    {R::missing_bh, "missing-bh"},
    {R::missing_h, "missing-h"},
    {R::bad_body_hash, "bad-body-hash"},
    {R::unknown_canonicalization, "unknown-canonicalization"},
    {R::too_many_signed_names, "too-many-signed-names"},
    {R::bad_signed_names, "bad-signed-names"},
    {R::from_not_signed, "from-not-signed"},
    {R::bad_body_length, "bad-body-length"},
    {R::unknown_query_method, "unknown-query-method"},
    {R::bad_timestamp, "bad-timestamp"},
    {R::bad_expiration, "bad-expiration"},
    {R::expiration_before_timestamp, "expiration-before-timestamp"},
    {R::field_too_long, "field-too-long"},
    {R::duplicate_tag, "duplicate-tag"},
    {R::malformed_tag_list, "malformed-tag-list"},
    {R::signature_expired, "signature-expired"},
    {R::signature_in_future, "signature-in-future"},
    {R::too_many_signatures, "too-many-signatures"},
    {R::too_many_body_lengths, "too-many-body-lengths"},
    {R::no_key, "no-key"},
    {R::key_malformed, "key-malformed"},
    {R::key_record_too_long, "key-record-too-long"},
    {R::key_version_unknown, "key-version-unknown"},
    {R::key_revoked, "key-revoked"},
    {R::key_type_unknown, "key-type-unknown"},
    {R::key_hash_not_allowed, "key-hash-not-allowed"},
    {R::key_not_for_mail, "key-not-for-mail"},
    {R::key_type_mismatch, "key-type-mismatch"},
    {R::identity_not_allowed, "identity-not-allowed"},
    {R::key_too_short, "key-too-short"},
    {R::body_shorter_than_signed, "body-shorter-than-signed"},
    {R::body_hash_mismatch, "body-hash-mismatch"},
    {R::signature_mismatch, "signature-mismatch"},
    {R::body_partly_signed, "body-partly-signed"},
    {R::added_fields, "added-fields"},
};
static_assert(is_complete(kReasons, R::added_fields));

}  // namespace

std::string_view to_string(DkimReason reason) { return word_of(kReasons, reason); }

DkimReason reason_of(KeyFault fault) {
  switch (fault) {
    case KeyFault::no_key:
      return DkimReason::no_key;
    case KeyFault::malformed:
      return DkimReason::key_malformed;
    case KeyFault::record_too_long:
      return DkimReason::key_record_too_long;
    case KeyFault::version_unknown:
      return DkimReason::key_version_unknown;
    case KeyFault::revoked:
      return DkimReason::key_revoked;
    case KeyFault::type_unknown:
      return DkimReason::key_type_unknown;
    case KeyFault::hash_not_allowed:
      return DkimReason::key_hash_not_allowed;
    case KeyFault::not_for_mail:
      return DkimReason::key_not_for_mail;
  }
  return DkimReason::no_key;
}

}  // namespace authmilter
