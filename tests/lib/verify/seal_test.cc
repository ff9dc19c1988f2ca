#include <authmilter/verify.h>

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "edits/edited_fields.h"
#include "lib/arc/chains.h"

// What `[arc] seal` puts on top of mail that goes on.

using namespace authmilter;
using namespace arc_test;

namespace {

const std::string kSealing =
    "[identity]\nauthserv_id = \"mx.forwarder.example\"\n"
    "[arc]\nseal = true\ndomain = \"forwarder.example\"\n";

SigningKey sealing_key() {
  return {*DomainName::parse("forwarder.example"), *Selector::parse("s"),
          dkim_test::private_key(KeyType::rsa)};
}

class AwayKey : public PrivateKey {
 public:
  std::optional<Error> unavailable() const override { return Error{"the token is away"}; }
  KeyType type() const override { throw std::logic_error("nobody knows"); }
  unsigned bits() const override { throw std::logic_error("nobody knows"); }
  Result<Octets> sign_sha256(const Sha256Digest&) const override { return Error{"away"}; }
  std::string dns_public_key() const override { throw std::logic_error("nobody knows"); }
};

struct Given {
  std::string config = kSealing;
  std::optional<Result<SigningKey>> key = Result<SigningKey>(sealing_key());
  std::vector<ZoneFault> faults = {};
  Mta mta = Mta::other;
  std::string recipient = "<user@home.example>";
};

MessageVerdict judge(const Text& message, const Given& given = {}) {
  const auto config = parse_config(given.config, "test", "host.example");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  const auto resolver = make_test_resolver(
      zone() + dkim_test::zone() + "_dmarc.example.org TXT \"v=DMARC1; p=quarantine\"\n",
      given.faults);
  Envelope envelope;
  envelope.client = IpAddress::parse("192.0.2.66");
  envelope.helo = parse_helo("mail.lists.example.edu");
  envelope.mail_from = parse_reverse_path("<bounces@lists.example.edu>");
  envelope.mta = given.mta;
  MessageVerifier verifier(*config, dkim_test::engine(), *resolver, envelope, kNow, given.key);
  verifier.add_recipient(parse_reverse_path(given.recipient));
  for (const HeaderField& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) verifier.body(message.body);
  return verifier.finish();
}

/// The message as the MTA hands it on.
Text handed_on(const Text& message, const MessageVerdict& verdict) {
  Text after = message;
  after.fields = fields_after(message.fields, verdict.edits);
  return after;
}

std::string value_of(const Text& message, const char* name) {
  for (const HeaderField& field : message.fields) {
    if (has_name(field, name)) return field.value;
  }
  return "";
}

bool has_seal(const MessageVerdict& verdict) {
  for (const HeaderEdit& edit : verdict.edits) {
    if (is_arc_field(edit.name)) return true;
  }
  return false;
}

std::string state(const MessageVerdict& verdict) {
  return std::string(to_string(verdict.disposition)) + " " +
         std::string(to_string(verdict.seal.state));
}

Text by_author() { return dkim_test::sign(plain(), {dkim_test::signing_key("r")}); }
Text by_list() { return sealed(changed_by_list(by_author())); }

}  // namespace

TEST_CASE("a message that goes on gets a set on top, below our results (RFC 8617 section 5.1)") {
  const Text message = by_list();
  const MessageVerdict verdict = judge(message);
  CHECK(verdict.seal.state == SealState::sealed);
  CHECK(verdict.seal.instance == 2);
  CHECK(verdict.seal.chain == ArcResult::pass);
  const Text after = handed_on(message, verdict);
  const char* const order[] = {"Authentication-Results", "ARC-Seal", "ARC-Message-Signature",
                               "ARC-Authentication-Results"};
  for (std::size_t i = 0; i < std::size(order); ++i) {
    // A tag stands above what came, and below the seal.
    CHECK(after.fields[i].name == order[i]);
  }
  CHECK(summary(validate(after)) == "pass, oldest 0");
  // The same results in both, but for the instance.
  CHECK(value_of(after, "ARC-Authentication-Results") ==
        " i=2;" + value_of(after, "Authentication-Results"));
  const auto hops = validate(after).hops;
  REQUIRE(hops.size() == 2);
  CHECK(hops[1].from_signed);
  CHECK(hops[1].message_signer == hops[1].sealer);
}

TEST_CASE("nobody adds to what we seal what a reader is shown (RFC 6376 section 8.15)") {
  Text message = by_list();
  message.fields.push_back({"Content-Type", " text/plain"});
  const Text after = handed_on(message, judge(message));
  REQUIRE(summary(validate(after)) == "pass, oldest 0");
  for (const char* name : {"From", "Subject", "To", "Cc", "Reply-To", "Date", "Message-ID",
                           "Content-Type", "content-type "}) {
    CAPTURE(name);
    Text above = after;
    above.fields.insert(above.fields.begin(), {name, " x"});
    CHECK(summary(validate(above)) ==
          "fail message-signature-mismatch (i=2, ARC-Message-Signature)");
    Text below = after;
    below.fields.push_back({name, " x"});
    CHECK(summary(validate(below)) ==
          "fail message-signature-mismatch (i=2, ARC-Message-Signature)");
  }
  // What a host behind us may add where there is none.
  for (const char* name : {"Sender", "Received", "MIME-Version", "List-Id"}) {
    CAPTURE(name);
    Text above = after;
    above.fields.insert(above.fields.begin(), {name, " x"});
    CHECK(summary(validate(above)) == "pass, oldest 0");
  }
}

TEST_CASE("what the chain was when it came is what the seal says of it") {
  const Text plain_message = by_author();
  const Text broken = changed_by_list(by_list());
  Text forged = by_author();
  forged.fields.insert(forged.fields.begin(), {"ARC-Seal", " i=1; cv=none; d=attack.example"});
  Text odd_name = by_author();
  odd_name.fields.insert(odd_name.fields.begin(), {"ARC-Seal ", " i=1; cv=none"});
  Text odd_case = by_author();
  odd_case.fields.insert(odd_case.fields.begin(), {"aRc-AUTHENTICATION-results", " i=1; x; none"});
  Text full = by_author();
  full.fields.insert(full.fields.begin(), {"ARC-Authentication-Results", " i=50; x; none"});
  const std::vector<ZoneFault> faults = {{"s._domainkey.late.example.edu", DnsFault::servfail}};
  const struct {
    std::string why;
    Text message;
    std::vector<ZoneFault> faults;
    std::string want;
    std::string chain;  // of the message as we hand it on
  } rows[] = {
      {"none", plain_message, {}, "sealed 1 none", "pass, oldest 0"},
      {"a good one", by_list(), {}, "sealed 2 pass", "pass, oldest 0"},
      {"one that broke: once", broken, {}, "sealed 2 fail", "fail sealed-as-failed (i=2)"},
      {"a malformed set", forged, {}, "sealed 2 fail", "fail malformed-seal (d=)"},
      {"a name with a blank behind", odd_name, {}, "sealed 2 fail", "fail malformed-seal (a=)"},
      {"a part of a set", odd_case, {}, "sealed 2 fail", "fail sealed-as-failed (i=2)"},
      {"no room", full, {}, "not-extended 0 none", "fail incomplete-set (i=1)"},
      {"a key that is not to be had", sealed(by_author(), {.domain = "late.example.edu"}), faults,
       "undecided 0 none", "fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const MessageVerdict verdict = judge(row.message, {.faults = row.faults});
    CHECK(verdict.disposition != Disposition::tempfail);
    CHECK(std::string(to_string(verdict.seal.state)) + " " + std::to_string(verdict.seal.instance) +
              " " + std::string(to_string(verdict.seal.chain)) ==
          row.want);
    CHECK(has_seal(verdict) == (verdict.seal.state == SealState::sealed));
    CHECK(summary(validate(handed_on(row.message, verdict))).substr(0, 4) ==
          row.chain.substr(0, 4));
  }
  // A chain that was sealed as failed is not extended (RFC 8617 section 5.1, step 2).
  const Text once = handed_on(broken, judge(broken));
  CHECK(judge(once).seal.state == SealState::not_extended);
}

TEST_CASE("what is sealed, and what is not") {
  const std::string to_lists = kSealing + "recipient = [\"@lists.example\", \"a@home.example\"]\n";
  const std::string trap = "[policy]\ndmarc_quarantine = \"reject\"\n";
  Text other = changed_by_list(by_author());
  const struct {
    std::string why;
    Text message;
    Given given;
    std::string want;
  } rows[] = {
      {"accepted", by_author(), {}, "accept sealed"},
      {"quarantined", other, {}, "quarantine sealed"},
      {"tagged",
       other,
       {.config = kSealing + "[policy]\ndmarc_quarantine = \"tag\"\n"
                             "tag_subject = \"[x] \"\n"},
       "tag sealed"},
      {"refused", other, {.config = kSealing + trap}, "reject off"},
      {"not configured",
       by_author(),
       {.config = "[identity]\nauthserv_id = \"mx.a.example\"\n"},
       "accept off"},
      {"monitor mode",
       by_author(),
       {.config = kSealing + "[verify]\nmode = \"monitor\"\n"},
       "accept off"},
      {"for others", by_author(), {.config = to_lists}, "accept off"},
      {"for a domain that is named",
       by_author(),
       {.config = to_lists, .recipient = "<dev@lists.example>"},
       "accept sealed"},
      {"for an address that is named",
       by_author(),
       {.config = to_lists, .recipient = "<A@home.example>"},
       "accept sealed"},
      {"for one that cannot be read",
       by_author(),
       {.config = to_lists, .recipient = "?"},
       "accept sealed"},
      {"no keys in this run", by_author(), {.key = std::nullopt}, "accept key-not-read"},
      {"no key",
       by_author(),
       {.key = Result<SigningKey>(Error{"there is no key"})},
       "tempfail failed"},
      {"a token that is away",
       by_author(),
       {.key = Result<SigningKey>(SigningKey{*DomainName::parse("forwarder.example"),
                                             *Selector::parse("s"), std::make_shared<AwayKey>()})},
       "tempfail failed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const MessageVerdict verdict = judge(row.message, row.given);
    CHECK(state(verdict) == row.want);
    CHECK(has_seal(verdict) == (verdict.seal.state == SealState::sealed));
    if (verdict.seal.state == SealState::sealed)
      CHECK(summary(validate(handed_on(row.message, verdict))) == "pass, oldest 0");
    if (verdict.seal.state != SealState::failed) continue;
    CHECK(rule_text(verdict.decision) == "arc.seal");
    REQUIRE(verdict.decision.reply);
    CHECK(verdict.decision.reply->code == 451);
  }
}

TEST_CASE("forged results in our name are gone before the seal covers what is there") {
  Text message = by_author();
  message.fields.insert(message.fields.begin(),
                        {"Authentication-Results", " mx.forwarder.example; dmarc=pass"});
  const MessageVerdict verdict = judge(message);
  const Text after = handed_on(message, verdict);
  CHECK(after.fields.size() == message.fields.size() + 3);
  CHECK(summary(validate(after)) == "pass, oldest 0");
}

TEST_CASE("what Sendmail writes anew does not break the seal") {
  Text message = by_author();
  for (auto& field : message.fields) {
    if (has_name(field, "To")) field.value = " a@home.example,b@home.example";
  }
  message.fields.push_back({"Cc", " somebody"});
  const MessageVerdict verdict = judge(message, {.mta = Mta::sendmail});
  Text after = handed_on(message, verdict);
  for (auto& field : after.fields) {
    if (has_name(field, "To")) field.value = " a@home.example, b@home.example";
    if (has_name(field, "Cc")) field.value = " somebody@home.example";
  }
  CHECK(summary(validate(after)) == "pass, oldest 0");
}
