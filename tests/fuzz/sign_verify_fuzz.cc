#include <authmilter/published_key.h>
#include <authmilter/sign.h>
#include <authmilter/verify.h>

#include <algorithm>

#include "base/ascii.h"
#include "hashed_resolver.h"
#include "input.h"
#include "keys.h"

// What we sign, we verify: every message that gets a signature passes here with its octets
// unchanged, and no longer when what was signed is changed.
//
//     canonicalization, for example sr
//     message

using namespace authmilter;
using fuzz::require;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;

Config make_config(std::string_view letters) {
  Config config;
  config.authserv_id = DomainName::parse("mx.example.org");
  config.internal = {*Network::parse("192.0.2.0/24")};
  config.signing = fuzz::signing_setup().config;
  const auto letter = [&](std::size_t i) {
    const bool simple = i < letters.size() && letters[i] == 's';
    return simple ? Canonicalization::simple : Canonicalization::relaxed;
  };
  config.signing.profile.header_canonicalization = letter(0);
  config.signing.profile.body_canonicalization = letter(1);
  return config;
}

SigningOutcome sign(const Config& config, const Message& message, fuzz::Dice& dice) {
  const auto& setup = fuzz::signing_setup();
  Envelope envelope;
  envelope.client = IpAddress::parse("192.0.2.1");
  MessageSigner signer(config, setup.engine, *setup.ring, envelope, kNow);
  for (const HeaderField& field : message.fields) signer.header(field);
  signer.end_of_headers();
  fuzz::in_pieces(message.body, dice, [&](std::string_view piece) {
    if (signer.wants_body()) signer.body(piece);
  });
  return signer.finish();
}

/// As an MTA does it.
Message edited(Message message, const std::vector<HeaderEdit>& edits) {
  for (const HeaderEdit& edit : edits) {
    if (edit.action == HeaderEdit::Action::insert) {
      message.fields.insert(message.fields.begin(), make_header_field(edit.name, " " + edit.value));
      continue;
    }
    require(edit.action == HeaderEdit::Action::remove, "a signer inserts and removes");
    std::size_t ordinal = 0;
    const auto found =
        std::find_if(message.fields.begin(), message.fields.end(), [&](const HeaderField& field) {
          return equals_ignoring_case(field.name, edit.name) && ++ordinal == edit.index;
        });
    require(found != message.fields.end(), "what is removed is there");
    message.fields.erase(found);
  }
  return message;
}

MessageVerdict verify(const Config& config, const Message& message, fuzz::Dice& dice) {
  const auto& setup = fuzz::signing_setup();
  fuzz::HashedResolver resolver("nx");
  for (const SigningKey& key : setup.ring->all()) {
    resolver.add_text(fuzz::key_record_name(key), key_record_text(*key.key));
  }
  resolver.add_text("_dmarc.example.org", "v=DMARC1; p=reject");
  Envelope envelope;
  envelope.client = IpAddress::parse("198.51.100.1");
  MessageVerifier verifier(config, setup.engine, resolver, envelope, kNow);
  for (const HeaderField& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  fuzz::in_pieces(message.body, dice, [&](std::string_view piece) {
    if (verifier.wants_body()) verifier.body(piece);
  });
  return verifier.finish();
}

/// The message with other blanks, folds and letters, which "relaxed" does not see (RFC 6376
/// sections 3.4.2 and 3.4.4).
Message loosened(Message message, fuzz::Dice& dice) {
  constexpr const char* kBlanks[] = {"  ", "\t", " \t ", "\r\n ", "\r\n\t "};
  const auto blanks = [&](std::string_view text, std::size_t kinds) {
    std::string out;
    for (const char c : text) {
      if (c == ' ' && dice.chance(3)) {
        out += kBlanks[dice.roll(kinds)];
      } else {
        out += c;
      }
    }
    return out;
  };
  for (HeaderField& field : message.fields) {
    for (char& c : field.name) {
      if (is_lower(c) && dice.chance(4)) c = static_cast<char>(c - 'a' + 'A');
    }
    field.value = blanks(field.value, 5);
    if (dice.chance(4)) field.value += " \r\n ";
  }
  message.body = blanks(message.body, 3);
  if (message.body.ends_with('\n') && dice.chance(2)) message.body += "\n \n\t\n";
  return message;
}

/// How our own signatures, which stand on top, do.
bool ours_pass(const MessageVerdict& verdict, std::size_t signatures) {
  const auto& dkim = verdict.findings.dkim;
  require(dkim.size() >= signatures, "the signatures arrived");
  const auto passed =
      std::count_if(dkim.begin(), dkim.begin() + static_cast<std::ptrdiff_t>(signatures),
                    [](const DkimOutcome& outcome) { return outcome.result == DkimResult::pass; });
  require(passed == 0 || passed == static_cast<std::ptrdiff_t>(signatures), "both or none");
  return passed > 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  fuzz::Dice dice(input.text());
  const Config config = make_config(input.line());
  const Message message = parse_message(input.rest());
  const SigningOutcome outcome = sign(config, message, dice);
  require(!outcome.failed, "signing does not fail");
  require((outcome.reason == SigningReason::made) == !outcome.keys.empty(), "signed with keys");
  if (outcome.keys.empty()) return 0;

  const Message sent = edited(message, outcome.edits);
  // The signatures may be what makes the header too large.
  const MessageVerdict verdict = verify(config, sent, dice);
  if (verdict.decision.rule == Rule::limit_header) return 0;
  require(ours_pass(verdict, outcome.keys.size()), "what we sign, we verify");
  require(verdict.findings.dmarc.result == DmarcResult::pass, "and it is aligned");

  if (config.signing.profile.header_canonicalization == Canonicalization::relaxed &&
      config.signing.profile.body_canonicalization == Canonicalization::relaxed) {
    const MessageVerdict loose = verify(config, loosened(sent, dice), dice);
    require(loose.decision.rule == Rule::limit_header || ours_pass(loose, outcome.keys.size()),
            "blanks do not matter");
  }
  Message longer = sent;
  longer.body += "\r\nx\r\n";
  require(!ours_pass(verify(config, longer, dice), outcome.keys.size()), "the body is signed");
  Message other = sent;
  other.fields.push_back({"From", " <a@example.net>"});
  const MessageVerdict forged = verify(config, other, dice);
  require(!ours_pass(forged, outcome.keys.size()), "no From can be added");
  require(forged.findings.dmarc.result != DmarcResult::pass, "and two are no author");
  return 0;
}
