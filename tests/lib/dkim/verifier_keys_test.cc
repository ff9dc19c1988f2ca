#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/dkim/signed_messages.h"
#include "support/scripted_resolver.h"

using namespace authmilter;
using namespace dkim_test;

namespace {

/// A record with a modulus of so many octets, of which the last one is given, and the exponent
/// 65537.
std::string key_of(std::size_t octets, std::uint8_t last) {
  const auto length = [](std::size_t size) {
    return Octets{0x82, static_cast<std::uint8_t>(size >> 8U),
                  static_cast<std::uint8_t>(size & 0xffU)};
  };
  Octets number = {0x02};
  const auto add = [](Octets& to, const Octets& more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  add(number, length(octets + 1));
  number.push_back(0x00);
  add(number, Octets(octets, 0xff));
  number.back() = last;
  add(number, {0x02, 0x03, 0x01, 0x00, 0x01});
  Octets key = {0x30};
  add(key, length(number.size()));
  add(key, number);
  return txt_line("r._domainkey.example.org", "p=" + base64_encode(key));
}

}  // namespace

TEST_CASE("the key decides what a signature is worth (RFC 6376 section 6.1.2)") {
  const std::string good = private_key(KeyType::rsa)->dns_public_key();
  const std::string other = generate_private_key(KeyType::rsa, 1024)
                                ? generate_private_key(KeyType::rsa, 1024)->key->dns_public_key()
                                : "";
  const std::string ed25519 = private_key(KeyType::ed25519)->dns_public_key();
  const auto records = [](const std::vector<std::string>& texts) {
    std::string zone_text;
    for (const auto& text : texts) zone_text += txt_line("r._domainkey.example.org", text);
    return zone_text;
  };
  // SubjectPublicKeyInfo of the same Ed25519 key.
  const std::string wrapped = "MCowBQYDK2VwAyEA" + ed25519;
  const struct {
    std::string why;
    std::string zone_text;
    const char* want;
  } rows[] = {
      {"good", records({"p=" + good}), "pass"},
      {"no record", "other.example.org. IN TXT \"x\"\n", "permerror no-key"},
      {"no TXT record there", "r._domainkey.example.org. IN A 192.0.2.1\n", "permerror no-key"},
      {"another kind of TXT record", records({"v=spf1 -all"}), "permerror no-key"},
      {"with the key beside it", records({"v=spf1 -all", "p=" + good}), "pass"},
      {"revoked (edge case 43)", records({"v=DKIM1; p="}), "permerror key-revoked"},
      {"malformed", records({"v=DKIM1; p=!!!!"}), "permerror key-malformed"},
      {"no key in it", records({"v=DKIM1; p=AAAA"}), "permerror key-malformed"},
      {"rubbish behind the key (A88)", records({"p=" + base64_encode([&] {
                                                  auto octets = *base64_decode(good);
                                                  octets.push_back(0);
                                                  return octets;
                                                }())}),
       "permerror key-malformed"},
      {"another key", records({"p=" + other}), "fail signature-mismatch"},
      {"of another type (A89, edge case 42)", records({"k=ed25519; p=" + ed25519}),
       "permerror key-type-mismatch"},
      {"k= and p= disagree (A89)", records({"k=rsa; p=" + ed25519}), "permerror key-malformed"},
      {"k=ed25519 with an RSA key (A89)", records({"k=ed25519; p=" + good}),
       "permerror key-malformed"},
      {"Ed25519 as SubjectPublicKeyInfo (A89, edge case 44)", records({"k=ed25519; p=" + wrapped}),
       "permerror key-malformed"},
      {"sha1 only (A89)", records({"h=sha1; p=" + good}), "permerror key-hash-not-allowed"},
      {"not for mail (A89)", records({"s=other; p=" + good}), "permerror key-not-for-mail"},
      {"notes of 2 KiB before the key (A90)",
       records({"n=" + std::string(2000, 'n') + "; p=" + good}), "pass"},
      {"more than 8 KiB (A90)", records({"n=" + std::string(8200, 'n') + "; p=" + good}),
       "permerror key-record-too-long"},
      {"two records, one of them good (edge case 45)", records({"p=" + other, "p=" + good}),
       "pass"},
      {"the other way round", records({"p=" + good, "p=" + other}), "pass"},
      {"a revoked one beside it", records({"p=", "p=" + good}), "pass"},
      {"three bad ones", records({"p=" + other, "p=", "p=AAAA"}), "fail signature-mismatch"},
      {"another type beside the wrong key", records({"k=ed25519; p=" + ed25519, "p=" + other}),
       "fail signature-mismatch"},
  };
  const auto message = signed_by("r");
  for (const auto& row : rows) {
    const std::string why = row.why;
    CAPTURE(why);
    CHECK(summary(verify(message, row.zone_text)) == row.want);
  }
}

TEST_CASE("no more than three keys are tried (A90, A240, edge case 45)") {
  std::vector<std::string> others;
  for (int i = 0; i < 3; ++i)
    others.push_back(generate_private_key(KeyType::rsa, 1024)->key->dns_public_key());
  const auto message = signed_by("r");
  for (const unsigned before : {1U, 2U, 3U}) {
    CAPTURE(before);
    std::string zone_text;
    for (unsigned i = 0; i < before; ++i)
      zone_text += txt_line("r._domainkey.example.org", "p=" + others[i]);
    // What is no key does not count, however much of it there is.
    for (unsigned i = 0; i < 30; ++i)
      zone_text += txt_line("r._domainkey.example.org", "v=spf1 -all n" + std::to_string(i));
    zone_text +=
        txt_line("r._domainkey.example.org", "p=" + private_key(KeyType::rsa)->dns_public_key());
    CHECK(summary(verify(message, zone_text)) == (before < 3 ? "pass" : "fail signature-mismatch"));
  }
}

TEST_CASE("what all verifications of a message may take (A245)") {
  const struct {
    std::size_t octets;    // of each key
    unsigned keys;         // at the name
    std::size_t verified;  // of ten signatures
  } rows[] = {{256, 3, 10}, {512, 1, 10}, {512, 2, 6}, {513, 1, 7}, {1024, 1, 3}};
  const auto message = [] {
    auto made = signed_by("r");
    made.fields.insert(made.fields.begin(), 9, made.fields.front());
    return made;
  }();
  for (const auto& row : rows) {
    CAPTURE(row.octets);
    CAPTURE(row.keys);
    std::string zone_text;
    for (unsigned i = 0; i < row.keys; ++i)
      zone_text += key_of(row.octets, static_cast<std::uint8_t>(0xff - 2 * i));
    const std::string outcomes = summary(verify(message, zone_text));
    CAPTURE(outcomes);
    std::size_t limited = 0;
    for (auto at = outcomes.find("policy too-many-signatures"); at != std::string::npos;
         at = outcomes.find("policy too-many-signatures", at + 1))
      ++limited;
    CHECK(limited == 10 - row.verified);
  }
}

TEST_CASE("a key from the DNS has a greatest size (A238)") {
  const auto message = signed_by("r");
  const struct {
    std::size_t octets;
    const char* want;
  } rows[] = {{1023, "fail signature-mismatch"},
              {1024, "fail signature-mismatch"},
              {1025, "permerror key-malformed"},
              {2048, "permerror key-malformed"},
              {4096, "permerror key-record-too-long"}};
  for (const auto& row : rows) {
    CAPTURE(row.octets);
    CHECK(summary(verify(message, key_of(row.octets, 0xff))) == row.want);
  }
}

TEST_CASE("trouble in the DNS is a temperror and never a fail (A173, A174, edge case 68)") {
  const struct {
    DnsFault fault;
    const char* want;
  } rows[] = {
      {DnsFault::timeout, "temperror dns-timeout"},
      {DnsFault::servfail, "temperror dns-servfail"},
      {DnsFault::bogus, "temperror dnssec-bogus"},
      {DnsFault::malformed, "temperror dns-malformed"},
      {DnsFault::limit, "temperror dns-limit"},
      {DnsFault::overload, "temperror dns-overload"},
  };
  auto message = signed_by("r");
  auto altered = message;
  altered.body += "x\r\n";
  for (const auto& row : rows) {
    const auto resolver = make_test_resolver("example.org. IN A 192.0.2.1\n",
                                             {{"r._domainkey.example.org", row.fault}});
    CHECK(summary(verify(message, *resolver)) == row.want);
    CHECK(summary(verify(altered, *resolver)) == row.want);
  }
}

TEST_CASE("RSA keys have a least size (RFC 8301 section 3.2, A88, edge case 47)") {
  const auto key = private_key(KeyType::rsa, 1024);
  const SigningKey signing{*DomainName::parse("example.org"), *Selector::parse("r1024"), key};
  const auto message = sign(plain(), {signing});
  const auto zone_text = txt_line("r1024._domainkey.example.org", key_record_text(*key));
  DkimVerifyOptions options{.now = kNow};
  CHECK(summary(verify(message, zone_text, options)) == "pass");
  CHECK(verify(message, zone_text, options)[0].key_bits == 1024);
  options.minimum_rsa_bits = 1025;
  CHECK(summary(verify(message, zone_text, options)) == "policy key-too-short");
  CHECK(verify(message, zone_text, options)[0].key_bits == 1024);
  options.minimum_rsa_bits = 4096;
  CHECK(summary(verify(signed_by("e"), zone(), options)) == "pass");  // counts for RSA only

  // 512 bits, whatever is configured. No such key can be made here, so the record alone is weak.
  options.minimum_rsa_bits = 512;
  const std::string weak =
      "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKx1c7RR7R/"
      "drnBSQ/zfx1vQLHUbFLh1AQQQ5R8DZUXd36efNK79vukFhN9HFoHZiUvOjm0c+pVE6K+EdE/twuUCAwEAAQ==";
  CHECK(summary(verify(message, txt_line("r1024._domainkey.example.org", "p=" + weak), options)) ==
        "policy key-too-short");
}

TEST_CASE("a testing key changes no result and is noted (A181, edge case 41)") {
  auto outcomes = verify(signed_by("r"), key_with("t=y; "));
  CHECK(summary(outcomes) == "pass");
  CHECK(outcomes[0].testing);
  CHECK(outcomes[0].notes == std::vector<std::string>{"testing-key"});
  auto altered = signed_by("r");
  altered.body += "x\r\n";
  outcomes = verify(altered, key_with("t=y; "));
  CHECK(summary(outcomes) == "fail body-hash-mismatch");
  CHECK(outcomes[0].testing);
}

TEST_CASE("t=s wants the domain of i= to be that of d= (A82, edge case 40)") {
  const std::string from = "From: Joe <joe@example.org>\r\n";
  const auto same =
      sign_by_hand(plain(), kTags + " h=from; i=joe@example.org;", std::string(plain().body), from);
  const auto below = sign_by_hand(plain(), kTags + " h=from; i=joe@mail.example.org;",
                                  std::string(plain().body), from);
  CHECK(summary(verify(same, key_with("t=s; "))) == "pass");
  CHECK(summary(verify(below, key_with("t=s; "))) == "permerror identity-not-allowed");
  CHECK(summary(verify(below, key_with(""))) == "pass");
  CHECK(verify(below, key_with(""))[0].identity == "joe@mail.example.org");
}

TEST_CASE("keys are asked for once, and early (A103)") {
  ScriptedResolver resolver(zone());
  auto message = signed_by("r");
  message.fields.insert(message.fields.begin(), 2, message.fields[0]);
  message.fields.insert(message.fields.begin(), {"DKIM-Signature", " v=1; d=attack.example"});
  DkimVerifier verifier(engine(), resolver, {.now = kNow});
  for (const auto& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  CHECK_FALSE(resolver.prefetched().empty());
  for (const DnsQuestion& question : resolver.prefetched()) {
    CHECK(question.name.text() == "r._domainkey.example.org");
    CHECK(question.type == RrType::txt);
  }
  CHECK(resolver.asked().empty());
  verifier.body(message.body);
  verifier.finish();
  CHECK(resolver.asked().size() == 1);
}
