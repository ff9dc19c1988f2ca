#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <authmilter/audit_simulation.h>
#include <authmilter/budget_resolver.h>

#include "signature/key_lookup.h"

namespace authmilter {
namespace {

// RFC 8301 section 3.2: verifiers MUST NOT take signatures by RSA keys of less.
constexpr unsigned kLeastRsaBits = 1024;
constexpr std::size_t kQuestions = 200;
constexpr std::chrono::seconds kTime{60};

std::string_view words_for(KeyFault fault) {
  switch (fault) {
    case KeyFault::no_key:
      return "no key is published";
    case KeyFault::malformed:
      return "the key record cannot be read";
    case KeyFault::record_too_long:
      return "the key record is too long";
    case KeyFault::version_unknown:
      return "the key record is of another version";
    case KeyFault::revoked:
      return "the key is revoked";
    case KeyFault::type_unknown:
      return "the key is of an unknown type";
    case KeyFault::hash_not_allowed:
      return "the key record allows no SHA-256";
    case KeyFault::not_for_mail:
      return "the key is not for mail";
  }
  return "the key cannot be used";
}

SimulatedKey look_at_key(const SimulatedSignature& signature, Resolver& dns) {
  using State = SimulatedKey::State;
  SimulatedKey key{signature, State::good, {}, {}};
  if (!signature.selector) return key;
  const auto bad = [&](std::string_view why) {
    key.state = State::bad;
    key.reason = why;
    return key;
  };
  const auto name = signature.selector->key_name(signature.domain);
  if (!name) return bad("the name of the key is too long");
  const KeyLookup found = look_up_keys(*name, dns);
  if (found.failed) {
    key.state = State::unanswered;
    key.reason = temperror_reason(found.failed->fault);
    key.failed = found.failed;
    return key;
  }
  if (const auto fault = found.fault()) return bad(words_for(*fault));
  const bool usable =
      std::any_of(found.keys().begin(), found.keys().end(), [](const CandidateKey& one) {
        return one.key->type() != KeyType::rsa || one.key->bits() >= kLeastRsaBits;
      });
  return usable ? key : bad(fmt::format("the key has less than {} bits", kLeastRsaBits));
}

/// RFC 9989 section 5.3.4: of SPF, MAIL FROM counts, which is postmaster@HELO for the null
/// reverse-path.
std::vector<AuthenticatedIdentifier> identifiers_of(const SimulatedMessage& message) {
  using Method = AuthenticatedIdentifier::Method;
  using State = AuthenticatedIdentifier::State;
  std::vector<AuthenticatedIdentifier> found;
  if (message.spf && message.spf->domain) {
    const DomainName& domain = *message.spf->domain;
    if (message.spf->result == SpfResult::pass) {
      found.push_back({Method::spf, domain});
    } else if (message.spf->result == SpfResult::temperror) {
      found.push_back({Method::spf, domain, State::temperror, "", message.spf->undecided_by});
    }
  }
  for (const SimulatedKey& key : message.keys) {
    const DomainName& domain = key.signature.domain;
    const std::string selector = key.signature.selector ? key.signature.selector->text() : "";
    switch (key.state) {
      case SimulatedKey::State::good:
        found.push_back({Method::dkim, domain, State::pass, selector});
        break;
      case SimulatedKey::State::unanswered:
        found.push_back({Method::dkim, domain, State::temperror, selector, key.failed});
        break;
      case SimulatedKey::State::bad:
        break;
    }
  }
  return found;
}

}  // namespace

std::string_view SimulatedMessage::outcome() const {
  if (dmarc.result != DmarcResult::fail || !dmarc.policy_known) return to_string(dmarc.result);
  return dmarc.policy == AssessmentPolicy::none ? "fail" : to_string(dmarc.policy);
}

bool SimulatedMessage::signed_well() const {
  return std::any_of(keys.begin(), keys.end(), [](const SimulatedKey& key) {
    return key.state == SimulatedKey::State::good;
  });
}

bool SimulatedMessage::undecided() const { return dmarc.result == DmarcResult::temperror; }

SimulatedMessage simulate(const SimulatedSender& sender, Resolver& resolver, std::int64_t now) {
  // What one message may cause, as for the daemon, so that a drill ends.
  BudgetResolver dns(resolver, kQuestions, kTime);
  SimulatedMessage message;
  if (sender.client) {
    SpfRequest request{*sender.client, sender.helo, sender.mail_from};
    request.now = now;
    message.spf = check_mail_from(request, dns);
  }
  for (const SimulatedSignature& signature : sender.signatures)
    message.keys.push_back(look_at_key(signature, dns));
  DmarcDiscovery discovery = discover_dmarc(sender.author_domain, dns);
  message.dmarc = evaluate_dmarc(discovery, identifiers_of(message));
  return message;
}

bool is_as_expected(const SimulatedSender& sender, const SimulatedMessage& message) {
  const bool spf_fits =
      !sender.expected_spf || (message.spf && message.spf->result == *sender.expected_spf);
  const bool any_failure = sender.expected == "fail" && message.dmarc.result == DmarcResult::fail;
  return spf_fits &&
         (sender.expected.empty() || any_failure || sender.expected == message.outcome());
}

}  // namespace authmilter
