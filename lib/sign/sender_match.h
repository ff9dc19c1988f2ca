#pragma once

#include <optional>
#include <string>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/envelope.h>
#include <authmilter/key_ring.h>
#include <authmilter/message.h>

namespace authmilter {

/// The author of a message that may be signed: the domain, and the mailbox where there is just one.
struct Author {
  DomainName domain;
  std::optional<ReversePath> mailbox;
};

/// The author of a header whose domain has been found.
Author author_of(DomainName domain, const std::vector<HeaderField>& fields);

/// Nothing when the sender may sign as the author; otherwise the setting that says so, empty for
/// `signing.require_sender_match`. `signing.login_map` decides about authenticated users where
/// there is one, otherwise that setting does; the `[[signing.permit]]` that fit decide about
/// everybody.
std::optional<std::string> sender_mismatch(const Envelope& envelope, const Author& author,
                                           const SigningConfig& config, const KeyRing& keys);

}  // namespace authmilter
