#include <authmilter/arc.h>
#include <authmilter/published_key.h>
#include <authmilter/verify.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "edits/edited_fields.h"
#include "hashed_resolver.h"
#include "input.h"
#include "keys.h"

// What we seal, we validate: every message that is handed on with a seal of ours passes here
// as it is, and no longer when what was covered is changed; and the seal says of the chain before
// what was found of it, whatever its fields are.
//
//     message

using namespace authmilter;
using fuzz::require;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;

SigningKey sealing_key() {
  for (const SigningKey& key : fuzz::signing_setup().ring->all()) {
    if (key.key->type() == KeyType::rsa) return key;
  }
  std::abort();
}

Config make_config() {
  Config config;
  config.authserv_id = DomainName::parse("mx.example.org");
  config.arc.seal = true;
  config.arc.domain = sealing_key().domain;
  config.policy.actions.dmarc_reject = Disposition::tag;
  config.policy.actions.dmarc_permerror = Disposition::tag;
  config.policy.tag_subject = "[x] ";
  return config;
}

void publish(fuzz::HashedResolver& resolver) {
  const SigningKey key = sealing_key();
  resolver.add_text(fuzz::key_record_name(key), key_record_text(*key.key));
}

ArcOutcome validate(const Message& message) {
  fuzz::HashedResolver resolver("nx");
  publish(resolver);
  ArcVerifier verifier(resolver, {.now = kNow});
  for (const HeaderField& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) verifier.body(message.body);
  return verifier.finish();
}

MessageVerdict judge(const Config& config, const Message& message, fuzz::Dice& dice) {
  fuzz::HashedResolver resolver("nx");
  publish(resolver);
  Envelope envelope;
  envelope.client = IpAddress::parse("198.51.100.1");
  MessageVerifier verifier(config, fuzz::signing_setup().engine, resolver, envelope, kNow,
                           Result<SigningKey>(sealing_key()));
  for (const HeaderField& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  fuzz::in_pieces(message.body, dice, [&](std::string_view piece) {
    if (verifier.wants_body()) verifier.body(piece);
  });
  return verifier.finish();
}

/// The message as it goes on; nothing where it does not.
std::optional<Message> handed_on(const Config& config, const Message& message, fuzz::Dice& dice) {
  const MessageVerdict verdict = judge(config, message, dice);
  const bool goes =
      verdict.disposition == Disposition::accept || verdict.disposition == Disposition::tag;
  require(verdict.seal.state != SealState::failed, "sealing does not fail");
  require(goes || verdict.seal.state == SealState::off, "what does not go on is not sealed");
  if (!goes) return std::nullopt;
  const std::size_t added = static_cast<std::size_t>(
      std::count_if(verdict.edits.begin(), verdict.edits.end(),
                    [](const HeaderEdit& edit) { return is_arc_field(edit.name); }));
  require(added == (verdict.seal.state == SealState::sealed ? 3U : 0U), "a set, or nothing");
  require(verdict.edits.back().name == "Authentication-Results", "our results stand on top");
  if (verdict.seal.state != SealState::sealed) return std::nullopt;
  require(verdict.seal.chain == verdict.findings.arc.result, "cv= is what was found");
  Message sent = message;
  sent.fields = fields_after(message.fields, verdict.edits);
  const ArcOutcome outcome = validate(sent);
  if (verdict.seal.chain == ArcResult::fail) {
    require(outcome.result == ArcResult::fail, "a chain that failed stays so");
    require(judge(config, sent, dice).seal.state != SealState::sealed, "and is sealed once");
    return std::nullopt;
  }
  require(outcome.result == ArcResult::pass, "what we seal, we validate");
  require(outcome.hops.size() == verdict.seal.instance, "ours is the last");
  require(outcome.hops.back().results.has_value(), "our results can be read");
  return sent;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  fuzz::Dice dice(input.text());
  const Config config = make_config();
  Message message = parse_message(input.rest());
  if (message.fields.size() > 200) message.fields.resize(200);
  const auto once = handed_on(config, message, dice);
  if (!once) return 0;
  // And so by the next host, behind the whole chain.
  handed_on(config, *once, dice);

  Message longer = *once;
  longer.body += "\r\nx\r\n";
  require(validate(longer).result == ArcResult::fail, "the body is covered");
  for (const char* name : {"From", "Subject", "To", "Cc", "Reply-To"}) {
    // Of a hundred fields each fits into h=.
    if (once->fields.size() > 100 && std::string_view(name) != "From") break;
    Message other = *once;
    other.fields.insert(other.fields.begin(), {name, " <a@example.net>"});
    require(validate(other).result == ArcResult::fail, "none of what is shown can be added");
  }
  return 0;
}
