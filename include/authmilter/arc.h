#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/authentication_results.h>
#include <authmilter/domain_name.h>
#include <authmilter/message.h>
#include <authmilter/reason.h>
#include <authmilter/resolver.h>
#include <authmilter/selector.h>

namespace authmilter {

/// RFC 8617 section 4.4: the Chain Validation Status, as we find it and as a seal's cv= states it.
enum class ArcResult : std::uint8_t { none, pass, fail };
std::string_view to_string(ArcResult result);

/// Why a chain failed; where a key was not to be had, the DNS's fault stands instead.
enum class ArcReason : std::uint8_t {
  none,
  // the fields (RFC 8617 section 4.1)
  too_many_sets,
  bad_instance,
  malformed_seal,
  malformed_message_signature,
  // the chain (section 5.2, steps 2 and 3)
  sealed_as_failed,
  incomplete_set,
  duplicate_field,
  wrong_chain_status,
  // limits of ours
  too_many_keys,
  too_many_signature_checks,
  // the keys
  no_key,
  key_unusable,
  key_type_mismatch,
  key_too_short,
  // the signatures (section 5.2, steps 4 and 6)
  message_signature_expired,
  message_signature_in_future,
  body_hash_mismatch,
  message_signature_mismatch,
  seal_mismatch,
};
std::string_view to_string(ArcReason reason);

/// One ARC Set, as its fields say. Unless the chain passed nobody has shown that they are
/// the sealer's.
struct ArcHop {
  DomainName sealer;                      // d= of the seal
  Selector selector;                      // s= of the seal
  ArcResult chain = ArcResult::none;      // cv=: what the sealer found of the sets before its own
  std::optional<std::int64_t> sealed_at;  // t= of the seal
  std::optional<DomainName> message_signer;  // d= of the message signature, where that can be used
  bool from_signed = false;                  // the message signature names From
  /// Its ARC-Authentication-Results without the instance; nothing where that cannot be read.
  std::optional<AuthenticationResults> results;
};

/// The verdict on the chain of one message.
struct ArcOutcome {
  ArcResult result = ArcResult::none;
  Reason<ArcReason> reason;                  // of a fail; the detail says which field of which set
  std::optional<FailedLookup> undecided_by;  // of a fail, if the DNS is the reason
  /// The sets 1 to N in that order; empty where the fields do not make a chain.
  std::vector<ArcHop> hops;
  /// Of a pass, as far as it was found out: the instance of the oldest message signature that
  /// validates, without a gap from the newest; 0 when all do (RFC 8617 section 5.2, step 5).
  std::optional<unsigned> oldest_pass;
  /// Fields that a reader is shown, and that may be anybody's: which came on top of what the newest
  /// message signature covers, or which it should cover wherever they stand, and does not. Lower
  /// case, each once. Set whatever the result is.
  std::vector<std::string> added_fields;
  /// Seconds since the newest seal, by its t=; nothing where it has none, or one in the future.
  std::optional<std::int64_t> age;
};

struct ArcVerifyOptions {
  unsigned minimum_rsa_bits = 1024;  // below 1024 nothing can be configured (RFC 8301 section 3.2)
  std::int64_t now = 0;              // seconds since 1970
  std::int64_t clock_skew = 300;     // seconds allowed on t= and x= of message signatures
};

/// True for the names of the three fields of an ARC Set, in any case.
bool is_arc_field(std::string_view name);

/// Validates the Authenticated Received Chain of one message (RFC 8617 section 5.2), streaming as
/// DkimVerifier does. It looks at most ten keys up, and checks as many signatures as take what a
/// hundred by keys of 2048 bits do. `resolver` must outlive it. One thread at a time.
class ArcVerifier {
 public:
  ArcVerifier(Resolver& resolver, const ArcVerifyOptions& options);
  ~ArcVerifier();
  void header(const HeaderField& field);
  /// Starts the key lookups.
  void end_of_headers();
  /// False when there is no chain, or its fields decide already.
  bool wants_body() const;
  void body(std::string_view octets);
  /// Waits for the keys.
  ArcOutcome finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
