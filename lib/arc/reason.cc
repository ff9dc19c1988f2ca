#include <authmilter/arc.h>

#include "base/words.h"

namespace authmilter {
namespace {

using R = ArcReason;
constexpr Word<R> kReasons[] = {
    {R::none, ""},
    {R::too_many_sets, "too-many-sets"},
    {R::bad_instance, "bad-instance"},
    {R::malformed_seal, "malformed-seal"},
    {R::malformed_message_signature, "malformed-message-signature"},
    {R::sealed_as_failed, "sealed-as-failed"},
    {R::incomplete_set, "incomplete-set"},
    {R::duplicate_field, "duplicate-field"},
    {R::wrong_chain_status, "wrong-chain-status"},
    {R::too_many_keys, "too-many-keys"},
    {R::too_many_signature_checks, "too-many-signature-checks"},
    {R::no_key, "no-key"},
    {R::key_unusable, "key-unusable"},
    {R::key_type_mismatch, "key-type-mismatch"},
    {R::key_too_short, "key-too-short"},
    {R::message_signature_expired, "message-signature-expired"},
    {R::message_signature_in_future, "message-signature-in-future"},
    {R::body_hash_mismatch, "body-hash-mismatch"},
    {R::message_signature_mismatch, "message-signature-mismatch"},
    {R::seal_mismatch, "seal-mismatch"},
};
static_assert(is_complete(kReasons, R::seal_mismatch));

}  // namespace

std::string_view to_string(ArcReason reason) { return word_of(kReasons, reason); }

std::string_view to_string(ArcResult result) {
  switch (result) {
    case ArcResult::none:
      return "none";
    case ArcResult::pass:
      return "pass";
    case ArcResult::fail:
      return "fail";
  }
  return "";
}

}  // namespace authmilter
