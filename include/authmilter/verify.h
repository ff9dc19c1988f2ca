#pragma once

#include <chrono>
#include <cstddef>
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
#include <authmilter/message.h>
#include <authmilter/policy.h>
#include <authmilter/recording_resolver.h>
#include <authmilter/result.h>
#include <authmilter/signing_key.h>
#include <authmilter/spf.h>

namespace authmilter {

/// Authenticated, from an internal network, or submitted on the host: to be signed, not judged.
bool is_ours(const Envelope& envelope, const Config& config);

/// The limits of an SPF evaluation as configured.
SpfLimits spf_limits(const VerifyConfig& config);

/// What became of the ARC Set that a message shall get before it is handed on.
enum class SealState : std::uint8_t {
  off,           // nothing is to be sealed: not at all, or not this message
  sealed,        // it is among the edits
  key_not_read,  // it would be, but this run has no keys
  not_extended,  // the chain was sealed as failed, or is full (RFC 8617 section 5.1, step 2)
  undecided,     // the DNS does not say what the chain is worth, and neither can a seal
  failed,        // the key cannot be used: the message must be tempfailed
};
/// "sealed", "not-extended".
std::string_view to_string(SealState state);

struct SealOutcome {
  SealState state = SealState::off;
  unsigned instance = 0;              // of what was sealed
  ArcResult chain = ArcResult::none;  // its cv=
  std::optional<SigningKey> key;      // that sealed
  std::string fault;                  // of a failure
};

/// Everything there is to say about one message. `edits` are in the order to apply: removals from
/// the highest index down, then replacements, then insertions.
struct MessageVerdict {
  Findings findings;
  Decision decision;  // as the policy has it
  Disposition disposition =
      Disposition::accept;             // what shall happen: decision's, but accept in monitor mode
  std::string authentication_results;  // the field's value, unfolded
  std::vector<HeaderEdit> edits;
  SealOutcome seal;
  std::vector<RecordingResolver::Entry> lookups;
  std::size_t dns_queries = 0;  // different questions, as `dns.message_queries` counts them
  std::chrono::microseconds dns_wait{0};
};

/// Judges one incoming message, streaming: envelope at construction, header() for each field in
/// order, end_of_headers(), body(), finish(). A message whose header exceeds HeaderLimits is not
/// judged by its first part: finish() refuses it (rule "limit.header"). Only finish() waits for the
/// DNS, at most `dns.message_timeout`. `config`, `engine` and `resolver` must outlive it. One
/// thread at a time.
class MessageVerifier {
 public:
  /// `seal_key` is for `[arc] seal`: nothing where there are no keys, or why there is none to use.
  MessageVerifier(const Config& config, const DkimEngine& engine, Resolver& resolver,
                  Envelope envelope, std::int64_t now,
                  std::optional<Result<SigningKey>> seal_key = std::nullopt);
  ~MessageVerifier();
  void header(const HeaderField& field);
  void add_recipient(ReversePath recipient);
  void end_of_headers();
  bool wants_body() const;
  void body(std::string_view octets);
  MessageVerdict finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
