#include <authmilter/arc.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "lib/arc/chains.h"
#include "support/scripted_resolver.h"

using namespace authmilter;
using namespace arc_test;

namespace {

HeaderField& field(Text& message, const char* name, unsigned instance = 1) {
  return const_cast<HeaderField&>(*arc_test::find(message, name, instance));
}

void without(Text& message, const char* name) {
  message.fields.erase(std::remove_if(message.fields.begin(), message.fields.end(),
                                      [&](const HeaderField& one) { return has_name(one, name); }),
                       message.fields.end());
}

/// A record with a modulus of 1024 octets that nobody has the other half of.
std::string rsa_of_8192_bits(std::uint8_t last) {
  Octets key = {0x30, 0x82, 0x04, 0x0a, 0x02, 0x82, 0x04, 0x01, 0x00};
  key.resize(key.size() + 1024, 0xff);
  key.back() = last;
  const Octets exponent = {0x02, 0x03, 0x01, 0x00, 0x01};
  key.insert(key.end(), exponent.begin(), exponent.end());
  return dkim_test::txt_line("s._domainkey.lists.example.edu", "v=DKIM1; p=" + base64_encode(key));
}

/// The author's mail through a list that changes it and a forwarder that does not.
Text through_two() {
  return sealed(sealed(changed_by_list(plain())), {.domain = "forwarder.example"});
}

}  // namespace

TEST_CASE("a chain that holds (RFC 8617 section 5.2)") {
  const struct {
    std::string why;
    Text message;
    std::string want;
  } rows[] = {
      {"no chain (edge case 82)", plain(), "none"},
      {"one hop", sealed(plain()), "pass, oldest 0"},
      {"two, the first of which changed it", through_two(), "pass, oldest 0"},
      {"the second changed it: the first message signature is broken (edge case 78)",
       sealed(changed_by_list(sealed(plain())), {.domain = "forwarder.example"}), "pass, oldest 2"},
      {"so it is below a third that changes nothing",
       sealed(sealed(changed_by_list(sealed(plain()))), {.domain = "forwarder.example"}),
       "pass, oldest 2"},
      {"nobody covers From: information, and no trust", sealed(plain(), {.headers = "to:date"}),
       "pass, oldest 0"},
      {"an older message signature that nobody can use",
       sealed(sealed(plain(), {.signature_tags = " l=3;"})), "pass, oldest 2"},
      {"c= of an early draft in the seal", sealed(plain(), {.seal_tags = " c=relaxed/relaxed;"}),
       "pass, oldest 0"},
      {"another domain signs the message", sealed(plain(), {.message_signer = "forwarder.example"}),
       "pass, oldest 0"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(summary(validate(row.message)) == row.want);
  }
}

TEST_CASE("a chain that was touched fails (RFC 8617 section 5.2, steps 4 and 6, A135)") {
  using Alter = std::function<void(Text&)>;
  const struct {
    std::string why;
    Alter alter;
    std::string want;
  } rows[] = {
      {"nothing", [](Text&) {}, "pass, oldest 0"},
      {"blanks that relaxed does not see",
       [](Text& m) { field(m, "ARC-Authentication-Results").value += "  \t"; }, "pass, oldest 0"},
      {"the fields in another order (edge case 81)",
       [](Text& m) { std::reverse(m.fields.begin(), m.fields.begin() + 6); }, "pass, oldest 0"},
      {"new content under an old chain", [](Text& m) { m.body += "x\r\n"; },
       "fail body-hash-mismatch (i=2, ARC-Message-Signature)"},
      {"another Subject",
       [](Text& m) {
         for (auto& one : m.fields) {
           if (has_name(one, "Subject")) one.value = " Buy!";
         }
       },
       "fail message-signature-mismatch (i=2, ARC-Message-Signature)"},
      {"the newest results",
       [](Text& m) { field(m, "ARC-Authentication-Results", 2).value += " x"; },
       "fail seal-mismatch (i=2, ARC-Seal)"},
      {"the oldest results",
       [](Text& m) { field(m, "ARC-Authentication-Results", 1).value += " x"; },
       "fail seal-mismatch (i=2, ARC-Seal)"},
      {"the oldest message signature",
       [](Text& m) { field(m, "ARC-Message-Signature", 1).value += "; x=1"; },
       "fail seal-mismatch (i=2, ARC-Seal)"},
      {"the oldest seal", [](Text& m) { field(m, "ARC-Seal", 1).value += "; x=1"; },
       "fail seal-mismatch (i=2, ARC-Seal)"},
      {"the newest seal's own tags", [](Text& m) { field(m, "ARC-Seal", 2).value += "; x=1"; },
       "fail seal-mismatch (i=2, ARC-Seal)"},
      {"without the newest set, what it changed shows",
       [](Text& m) { m.fields.erase(m.fields.begin(), m.fields.begin() + 3); }, "pass, oldest 0"},
      {"without the oldest set",
       [](Text& m) { m.fields.erase(m.fields.begin() + 3, m.fields.begin() + 6); },
       "fail incomplete-set (i=1)"},
      {"without results", [](Text& m) { without(m, "ARC-Authentication-Results"); },
       "fail incomplete-set (i=1)"},
      {"without a body", [](Text& m) { m.body.clear(); },
       "fail body-hash-mismatch (i=2, ARC-Message-Signature)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Text message = through_two();
    row.alter(message);
    CHECK(summary(validate(message)) == row.want);
  }
}

TEST_CASE("what a sealer lies about is no pass (RFC 8617 section 5.2, A131, edge case 75)") {
  const struct {
    std::string why;
    Text message;
    std::string want;
  } rows[] = {
      {"pass of nothing", sealed(plain(), {.cv = "pass"}),
       "fail wrong-chain-status (i=1, cv=pass)"},
      {"none of a chain", sealed(sealed(plain()), {.cv = "none"}),
       "fail wrong-chain-status (i=2, cv=none)"},
      {"pass of a chain that it broke", sealed([] {
         Text message = sealed(plain());
         field(message, "ARC-Authentication-Results").value += " x";
         return message;
       }()),
       "fail seal-mismatch (i=1, ARC-Seal)"},
      {"pass of a chain that failed before", sealed(sealed(plain(), {.cv = "fail"})),
       "fail wrong-chain-status (i=1, cv=fail)"},
      {"a chain that its newest sealer found broken", sealed(sealed(plain()), {.cv = "fail"}),
       "fail sealed-as-failed (i=2)"},
      {"h= in a seal", sealed(plain(), {.seal_tags = " h=from;"}), "fail malformed-seal (h=)"},
      {"a message signature that covers a seal",
       sealed(sealed(plain()), {.headers = "from:arc-seal"}),
       "fail malformed-message-signature (i=2, h=)"},
      {"a message signature of a part of the body", sealed(plain(), {.signature_tags = " l=3;"}),
       "fail malformed-message-signature (i=1, l=)"},
      {"no seal", sealed(plain(), {.seals = false}), "fail incomplete-set (i=1)"},
      {"an instance left out", sealed(sealed(plain()), {.instance = 3}),
       "fail incomplete-set (i=2)"},
      {"an instance twice", sealed(sealed(plain()), {.cv = "none", .instance = 1}),
       "fail duplicate-field (i=1, ARC-Seal)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(summary(validate(row.message)) == row.want);
  }
}

TEST_CASE("times of a message signature are kept, those of a seal are told") {
  const Text message =
      sealed(plain(), {.signature_tags = " x=" + std::to_string(kNow + 1000) + ";"});
  CHECK(summary(validate(message, zone(), kNow + 1299)) == "pass, oldest 0");
  CHECK(summary(validate(message, zone(), kNow + 1301)) ==
        "fail message-signature-expired (i=1, ARC-Message-Signature)");
  CHECK(summary(validate(message, zone(), kNow - 299)) == "pass, oldest 0");
  CHECK(summary(validate(message, zone(), kNow - 301)) ==
        "fail message-signature-in-future (i=1, ARC-Message-Signature)");
  CHECK(validate(message).hops.front().sealed_at == kNow);
}

TEST_CASE("keys of a chain") {
  const auto rsa = [](unsigned bits) {
    return dkim_test::txt_line("s._domainkey.lists.example.edu",
                               key_record_text(*dkim_test::private_key(KeyType::rsa, bits)));
  };
  const auto record = [](const std::string& text) {
    return dkim_test::txt_line("s._domainkey.lists.example.edu", text);
  };
  const std::string good = zone();
  const struct {
    std::string why;
    std::string zone;
    std::string want;
  } rows[] = {
      {"none", "", "fail no-key (i=1, ARC-Message-Signature)"},
      {"revoked", record("v=DKIM1; p="), "fail key-unusable (i=1, ARC-Message-Signature)"},
      {"of another type", record(key_record_text(*dkim_test::private_key(KeyType::ed25519))),
       "fail key-type-mismatch (i=1, ARC-Message-Signature)"},
      {"another one", rsa(1024), "fail message-signature-mismatch (i=1, ARC-Message-Signature)"},
      {"another one beside the right one (RFC 6376 section 6.1.2)", rsa(1024) + good,
       "pass, oldest 0"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(summary(validate(sealed(plain()), row.zone)) == row.want);
  }
  const auto resolver = make_test_resolver(good);
  ArcVerifyOptions options;
  options.now = kNow;
  options.minimum_rsa_bits = 3072;
  ArcVerifier verifier(*resolver, options);
  const Text message = sealed(plain());
  for (const auto& one : message.fields) verifier.header(one);
  verifier.end_of_headers();
  verifier.body(message.body);
  CHECK(summary(verifier.finish()) == "fail key-too-short (i=1, ARC-Message-Signature)");
}

TEST_CASE("a fault of the DNS fails the chain and is named (RFC 8617 section 5.2.1)") {
  ScriptedResolver resolver(zone(), [](const DnsQuestion& question, Deadline) -> DnsAnswerRef {
    if (question.name.text() != "s._domainkey.lists.example.edu") return nullptr;
    return ScriptedResolver::status(DnsStatus::temperror, DnsFault::timeout);
  });
  const auto outcome = validate(through_two(), resolver);
  CHECK(summary(outcome) == "fail dns-timeout");
  REQUIRE(outcome.undecided_by);
  CHECK(outcome.undecided_by->question.name.text() == "s._domainkey.lists.example.edu");
}

TEST_CASE("what a chain can cost is bounded (RFC 8617 section 9.1, A134, A161)") {
  Text message = plain();
  std::vector<std::string> domains;
  for (int i = 0; i < 11; ++i) domains.push_back("d" + std::to_string(i) + ".example");
  for (int i = 0; i < 10; ++i)
    message = sealed(message, {.domain = domains[static_cast<std::size_t>(i)]});
  ScriptedResolver ten(keys_of(domains));
  CHECK(summary(validate(message, ten)) == "pass, oldest 0");
  CHECK(ten.asked().size() == 10);
  CHECK(ten.prefetched().size() == 10);

  ScriptedResolver eleven(keys_of(domains));
  CHECK(summary(validate(sealed(message, {.domain = domains[10]}), eleven)) ==
        "fail too-many-keys");
  CHECK(eleven.asked().empty());
  CHECK(eleven.prefetched().empty());

  // Of older message signatures only some are tried, so it stays open how old the chain is.
  Text longest = plain();
  for (int i = 0; i < 12; ++i) longest = sealed(longest);
  CHECK(summary(validate(longest)) == "pass");

  // Two keys of 8192 bits that fail before the right one is tried: three signatures of the kind are
  // checked, and that is what two hops need.
  const std::string slow = rsa_of_8192_bits(0xff) + rsa_of_8192_bits(0xfd) + zone();
  CHECK(summary(validate(sealed(sealed(plain())), slow)) == "pass");
  CHECK(summary(validate(sealed(sealed(sealed(plain()))), slow)) ==
        "fail too-many-signature-checks");

  ScriptedResolver flood(zone());
  Text many = plain();
  for (int i = 0; i < 51; ++i) many.fields.push_back({"ARC-Seal", " i=1"});
  CHECK(summary(validate(many, flood)) == "fail too-many-sets");
  CHECK(flood.asked().empty());
}

TEST_CASE("nothing is asked for what the fields decide") {
  for (const Text& message : {plain(), sealed(plain(), {.cv = "fail"}),
                              sealed(plain(), {.cv = "pass"}), sealed(plain(), {.seals = false})}) {
    ScriptedResolver resolver(zone());
    ArcVerifier verifier(resolver, {.now = kNow});
    for (const auto& one : message.fields) verifier.header(one);
    verifier.end_of_headers();
    CHECK_FALSE(verifier.wants_body());
    verifier.finish();
    CHECK(resolver.asked().empty());
    CHECK(resolver.prefetched().empty());
  }
}

TEST_CASE("the chain as types") {
  const auto outcome = validate(through_two());
  REQUIRE(outcome.hops.size() == 2);
  const ArcHop& first = outcome.hops[0];
  CHECK(first.sealer.text() == "lists.example.edu");
  CHECK(first.selector.text() == "s");
  CHECK(first.chain == ArcResult::none);
  CHECK(first.message_signer == first.sealer);
  CHECK(first.from_signed);
  REQUIRE(first.results);
  CHECK(first.results->authserv_id == "mx.lists.example.edu");
  REQUIRE(first.results->results.size() == 1);
  CHECK(first.results->results[0].method == "dmarc");
  CHECK(outcome.hops[1].chain == ArcResult::pass);
  CHECK(outcome.added_fields.empty());
}

TEST_CASE("fields on top of what the newest message signature covers") {
  Text message = sealed(plain());
  message.fields.insert(message.fields.begin(),
                        {{"Subject", " other"}, {"Reply-To", " x@y.example"}});
  CHECK(validate(message).added_fields == std::vector<std::string>{"subject", "reply-to"});
}
