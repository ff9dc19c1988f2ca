#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dmarc.h>
#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>
#include <authmilter/message.h>
#include <authmilter/resolver.h>
#include <authmilter/result.h>
#include <authmilter/selector.h>
#include <authmilter/spf.h>

namespace authmilter {

/// A signature that a simulated sender would make: what `d=` and `s=` would say.
struct SimulatedSignature {
  DomainName domain;
  std::optional<Selector> selector;  // nothing: it is taken for good, whatever is published
};

/// A sender as a file of cases describes it.
struct SimulatedSender {
  std::string name;
  std::optional<IpAddress> client;  // nothing: SPF is not checked
  Helo helo;
  ReversePath mail_from;
  DomainName author_domain;  // of From
  std::vector<SimulatedSignature> signatures;
  /// What should come out: a word of RFC 8601 for DMARC ("pass", "fail", "none"), or the policy
  /// that a message which fails should meet ("quarantine", "reject"). Empty: nothing is expected.
  std::string expected;
  std::optional<SpfResult> expected_spf;
};

/// Reads a file of cases, TOML: a table `[[case]]` a sender. `author_domain` is that of cases which
/// do not name one. Errors are "name:line:column: message".
Result<std::vector<SimulatedSender>> parse_simulated_senders(std::string_view text,
                                                             const std::string& name,
                                                             const DomainName& author_domain);

/// What would become of one signature, if it fits the message: only its key is looked at.
struct SimulatedKey {
  enum class State : std::uint8_t { good, bad, unanswered };
  SimulatedSignature signature;
  State state = State::good;
  std::string reason;  // for people, of a state that is not good
  std::optional<FailedLookup> failed;
};

/// What would become of a message of a simulated sender.
struct SimulatedMessage {
  std::optional<SpfOutcome> spf;  // of MAIL FROM; nothing without a client
  std::vector<SimulatedKey> keys;
  DmarcOutcome dmarc;

  /// "pass", "none", ...; of a message that fails the policy that applies: "reject", "quarantine",
  /// or "fail" for p=none.
  std::string_view outcome() const;
  bool signed_well() const;
  bool undecided() const;  // the DNS left something open that decides
};

/// Sends no mail and asks only the DNS: blocks as `resolver` does.
SimulatedMessage simulate(const SimulatedSender& sender, Resolver& resolver, std::int64_t now);

/// Whether what came out is what the case says; true where it says nothing.
bool is_as_expected(const SimulatedSender& sender, const SimulatedMessage& message);

}  // namespace authmilter
