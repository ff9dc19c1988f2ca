#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/canonicalization.h>
#include <authmilter/domain_name.h>
#include <authmilter/message.h>
#include <authmilter/reason.h>
#include <authmilter/resolver.h>
#include <authmilter/result.h>
#include <authmilter/selector.h>
#include <authmilter/signing_key.h>

namespace authmilter {

/// RFC 8601 section 2.7.1.
enum class DkimResult : std::uint8_t { none, pass, fail, policy, neutral, temperror, permerror };
std::string_view to_string(DkimResult result);

/// Why a signature has its result, pass aside; of a temperror the DNS's fault stands instead.
enum class DkimReason : std::uint8_t {
  none,
  // the field
  missing_v,
  unsupported_version,
  missing_d,
  bad_domain,
  domain_not_public,
  missing_s,
  bad_selector,
  bad_identity,
  identity_not_in_domain,
  missing_a,
  algorithm_not_allowed,
  unknown_algorithm,
  missing_b,
  bad_signature_value,
  missing_bh,
  missing_h,
  bad_body_hash,
  unknown_canonicalization,
  too_many_signed_names,
  bad_signed_names,
  from_not_signed,
  bad_body_length,
  unknown_query_method,
  bad_timestamp,
  bad_expiration,
  expiration_before_timestamp,
  field_too_long,
  duplicate_tag,
  malformed_tag_list,
  // its time, and limits
  signature_expired,
  signature_in_future,
  too_many_signatures,
  too_many_body_lengths,
  // the key record
  no_key,
  key_malformed,
  key_record_too_long,
  key_version_unknown,
  key_revoked,
  key_type_unknown,
  key_hash_not_allowed,
  key_not_for_mail,
  // the signature by the key
  key_type_mismatch,
  identity_not_allowed,
  key_too_short,
  body_shorter_than_signed,
  body_hash_mismatch,
  signature_mismatch,
  body_partly_signed,
  added_fields,
};
std::string_view to_string(DkimReason reason);

/// The verdict on one signature. `domain`, `selector` and `identity` are set only when they are
/// what the grammar of RFC 6376 section 3.5 wants, so they may be printed and looked up.
struct DkimOutcome {
  DkimResult result = DkimResult::neutral;
  Reason<DkimReason> reason;
  std::optional<FailedLookup> undecided_by;  // of a temperror, if the DNS is the reason
  std::optional<DomainName> domain;          // d=
  std::optional<Selector> selector;          // s=
  std::string identity;                      // i= (or "@" + d=), printable ASCII
  std::string algorithm;                     // a=, one that we know; empty otherwise
  unsigned key_bits = 0;                     // 0 when no key was found
  bool dnssec = false;                       // the key record was validated
  bool testing = false;                      // the key's t=y
  std::string signature_prefix;  // header.b (RFC 6008): the first characters of b= that tell it
                                 // from the others
  /// Fields that a reader is shown, and that came on top of what was signed: lower case, each once.
  /// Set whatever the result is.
  std::vector<std::string> added_fields;
  /// What a mailing list says of itself and of the author is under it: each List-Id field, of which
  /// there is one, and each From, Subject, Date and Reply-To; and nothing was added. Set whatever
  /// the result is.
  bool covers_list_id = false;
  std::vector<std::string> notes;  // for explanations
};

/// What a signature counts for that holds, while somebody has put fields on top of what it covers
/// (RFC 6376 section 8.15 leaves that to the verifier).
enum class AddedFields : std::uint8_t { accept, not_a_pass };

struct DkimVerifyOptions {
  unsigned maximum_signatures = 10;
  unsigned minimum_rsa_bits = 1024;  // below 1024 nothing can be configured (RFC 8301 section 3.2)
  std::int64_t now = 0;              // seconds since 1970
  std::int64_t clock_skew = 300;     // seconds allowed on t= and x=
  AddedFields added_fields = AddedFields::accept;
  /// Which signatures are judged, by what their fields say; the others are as if they were not
  /// there. Empty: all.
  std::function<bool(const DkimOutcome& named)> picked = {};
};

/// Says that our canonical forms are libopendkim's on this machine: it compares them when it is
/// made, and throws std::runtime_error where they differ. Nothing is verified or signed without
/// one. Thread-safe.
class DkimEngine {
 public:
  DkimEngine();
  DkimEngine(const DkimEngine&) = delete;
  DkimEngine& operator=(const DkimEngine&) = delete;
};

/// Verifies the signatures of one message, streaming. Call header() for each field in order, then
/// end_of_headers(), body() for each piece, finish(). `resolver` must outlive it. One
/// thread at a time.
class DkimVerifier {
 public:
  DkimVerifier(const DkimEngine& engine, Resolver& resolver, const DkimVerifyOptions& options);
  ~DkimVerifier();
  void header(const HeaderField& field);
  /// Starts the key lookups.
  void end_of_headers();
  /// Those of the signing domains that `first` picks. prefetch_keys() starts them before the
  /// others, to be called before end_of_headers(); wait_for_keys() waits for them before finish()
  /// does.
  using SigningDomains = std::function<bool(const DomainName&)>;
  void prefetch_keys(const SigningDomains& first);
  void wait_for_keys(const SigningDomains& first);
  /// False when no signature needs the body.
  bool wants_body() const;
  void body(std::string_view octets);
  /// One entry for each DKIM-Signature field in the order they stand; empty when there is none.
  std::vector<DkimOutcome> finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct DkimSignOptions {
  Canonicalization header = Canonicalization::relaxed;
  Canonicalization body = Canonicalization::relaxed;
  /// Lower case. Every instance present is signed (RFC 6376 section 5.4.2); From and Subject always
  /// are.
  std::vector<std::string> headers;
  /// Named once more than present, so that none can be added (RFC 6376 section 8.15). From always
  /// is.
  std::vector<std::string> oversign = {"from"};
  /// The same for those that the message has; one that it lacks may be added.
  std::vector<std::string> oversign_present = {};
  /// Names that stay out, because the MTA will write such a field anew. Never From or Subject.
  std::vector<std::string> left_out = {};
  std::int64_t now = 0;       // t=
  std::int64_t lifetime = 0;  // x= is t= plus this; 0 means no x=
};
/// RFC 6376 section 5.4.1, and what else a reader's program acts on.
std::vector<std::string> default_signed_headers();
/// False for a field that is changed, added or removed on the way, so that a signature over it
/// would break (RFC 6376 section 5.4), and for the signature's own (section 3.5). `name` in lower
/// case.
bool can_be_signed(std::string_view name);
/// What every mail reader shows, or answers to, and nobody has to add on the way.
std::vector<std::string> default_oversigned_headers();
/// What a message has one of, while MTAs, lists and programs may add the first where it is missing.
std::vector<std::string> default_oversigned_present_headers();

/// Makes one DKIM-Signature field for each key, all with one pass over the body. Streaming as
/// DkimVerifier. `keys` must outlive it.
class DkimSigner {
 public:
  DkimSigner(const DkimEngine& engine, std::span<const SigningKey> keys,
             const DkimSignOptions& options);
  ~DkimSigner();
  void header(const HeaderField& field);
  void end_of_headers();
  /// The names that h= will have, lower case; after end_of_headers().
  const std::vector<std::string>& signed_names() const;
  void body(std::string_view octets);
  /// The fields in the order of the keys, to be put on top of the message.
  Result<std::vector<HeaderField>> finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
