#pragma once

#include <authmilter/dkim.h>
#include <authmilter/message.h>

#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

namespace authmilter {

/// Looks for signatures by our own keys that a message has already, and which hold.
/// Streaming; needs no DNS, as the keys are here. `engine` and `resolver` must outlive it.
class OwnSignatures {
 public:
  /// Takes the signatures of `keys` among `fields`; `options` bounds their number.
  OwnSignatures(const DkimEngine& engine, Resolver& own_keys, std::span<const SigningKey> keys,
                const std::vector<HeaderField>& fields, DkimVerifyOptions options);

  void body(std::string_view octets);
  /// The domains of those that hold.
  std::set<DomainName> holding();

 private:
  std::optional<DkimVerifier> verifier_;  // nothing when there are none
};

/// Answers for the key records of `keys` as they ought to be published. Nothing else exists.
/// Borrows the keys.
class OwnKeyRecords final : public Resolver {
 public:
  explicit OwnKeyRecords(std::span<const SigningKey> keys) : keys_(keys) {}
  using Resolver::resolve;
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override;
  void prefetch(const DnsQuestion&) override {}

 private:
  std::span<const SigningKey> keys_;
};

}  // namespace authmilter
