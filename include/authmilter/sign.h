#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/dkim.h>
#include <authmilter/envelope.h>
#include <authmilter/header_edit.h>
#include <authmilter/key_ring.h>
#include <authmilter/message.h>
#include <authmilter/reason.h>
#include <authmilter/smtp_reply.h>

namespace authmilter {

/// Why a signature may not survive what MTAs do to a message behind us: lines longer than they
/// send, 8-bit text that is made anew for a server without 8BITMIME, an address that gets a domain.
enum class Fragility : std::uint8_t { long_line, eight_bit, unqualified_address };
/// "long-line", "8bit", "unqualified-address".
std::string_view to_string(Fragility kind);

/// What became of an outgoing message, or why it has no signature.
enum class SigningReason : std::uint8_t {
  none,
  made,  // "signed"
  no_key,
  sender_mismatch,
  judged_before,
  signed_before,
  no_author_domain,
  multiple_from_fields,
  multiple_author_domains,
  invalid_author_domain,
  malformed_field_name,
  bare_cr_in_header,
  broken_fold_in_header,
  header_limit_exceeded,
  keys_unusable,
  signing_failed,
};
std::string_view to_string(SigningReason reason);

struct SigningOutcome {
  /// Empty when unsigned. Inserted at index 0, so the last one ends on top.
  std::vector<HeaderEdit> edits;
  std::vector<SigningKey> keys;  // that signed
  std::optional<DomainName> author_domain;
  Reason<SigningReason> reason;
  std::vector<Fragility> fragile;  // of the signatures made, each once
  bool failed = false;  // there must be a signature and cannot be: the message must be tempfailed
  std::optional<SmtpReply> refusal;  // the sender may not sign as the author, and is told so
};

/// Signs one outgoing message, streaming as MessageVerifier. Not one that came from outside before:
/// that carries a results field of ours, or of a border server, which does not vouch for its
/// author; nor one with a signature of ours that holds. Fields in our name that came with it are
/// removed, but for those that say nothing good about it. `config`, `engine` and `keys` must
/// outlive it; its outcome stands alone.
class MessageSigner {
 public:
  MessageSigner(const Config& config, const DkimEngine& engine, const KeyRing& keys,
                Envelope envelope, std::int64_t now);
  ~MessageSigner();
  void header(const HeaderField& field);
  void end_of_headers();
  bool wants_body() const;
  void body(std::string_view octets);
  SigningOutcome finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
