#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>

#include "dkim/signature_prefix.h"
#include "lib/dkim/messages.h"
#include "support/scripted_resolver.h"

using namespace authmilter;
using namespace dkim_test;

namespace {

Text plain() { return dkim_test::split(kPlainMessage); }

/// The message with a signature that tests may then alter.
Text signed_by(const char* selector) { return sign(plain(), {signing_key(selector)}); }

HeaderField& field_named(Text& message, const char* name) {
  return *std::find_if(message.fields.begin(), message.fields.end(),
                       [&](const HeaderField& field) { return has_name(field, name); });
}

/// The record of the RSA key with other tags in front of p=.
std::string key_with(const std::string& tags) {
  return txt_line("r._domainkey.example.org",
                  tags + "p=" + private_key(KeyType::rsa)->dns_public_key());
}

/// A signature made by hand: `tags` as they are, the hashes and b= filled in by us.
Text sign_by_hand(Text message, const std::string& tags, const std::string& canonical_body,
                  const std::string& canonical_fields, KeyType type = KeyType::rsa) {
  std::string value = " " + tags + " bh=" + base64_encode(sha256(canonical_body)) + "; b=";
  const auto signature =
      *private_key(type)->sign_sha256(sha256(canonical_fields + "DKIM-Signature:" + value));
  message.fields.insert(message.fields.begin(),
                        {"DKIM-Signature", value + base64_encode(signature)});
  return message;
}

const std::string kTags = "v=1; a=rsa-sha256; d=example.org; s=r;";

}  // namespace

TEST_CASE("what the signer made, the verifier passes: 2 x 2 x 2 (edge case 56)") {
  for (const auto header : {Canonicalization::simple, Canonicalization::relaxed}) {
    for (const auto body : {Canonicalization::simple, Canonicalization::relaxed}) {
      for (const char* selector : {"r", "e"}) {
        CAPTURE(to_string(header));
        CAPTURE(to_string(body));
        CAPTURE(std::string(selector));
        DkimSignOptions options;
        options.header = header;
        options.body = body;
        auto message = sign(plain(), {signing_key(selector)}, options);
        CHECK(summary(verify(message)) == "pass");

        // Blanks change: relaxed does not mind, simple does (RFC 6376 section 3.4).
        auto blanks = message;
        field_named(blanks, "subject").value += " ";
        blanks.body.insert(blanks.body.find("  "), " ");
        const bool header_minds = header == Canonicalization::simple;
        const bool body_minds = body == Canonicalization::simple;
        CHECK(summary(verify(blanks)) == (body_minds     ? "fail body-hash-mismatch"
                                          : header_minds ? "fail signature-mismatch"
                                                         : "pass"));
      }
    }
  }
}

TEST_CASE("messages of every shape can be signed and verified (edge case 58)") {
  const struct {
    std::string why;
    std::string message;
  } rows[] = {
      {"no blank line", "From: joe@example.org\r\nSubject: x\r\n"},
      {"no body", "From: joe@example.org\r\nSubject: x\r\n\r\n"},
      {"empty lines", "From: joe@example.org\r\n\r\n\r\n\r\n"},
      {"a fold of blanks only", "From: joe@example.org\r\nSubject: x\r\n \t\r\n y\r\n\r\nHi.\r\n"},
      {"a value of blanks only", "From: joe@example.org\r\nSubject:\r\n \r\n\r\nHi.\r\n"},
      {"no value", "From: joe@example.org\r\nSubject:\r\n\r\nHi.\r\n"},
      {"8 bits", "From: joe@example.org\r\nSubject: caf\xe9 \xc3\xbc\r\n\r\n\xff\r\n"},
      {"blank before the colon", "To : x\r\nFrom : joe@example.org\r\nSubject\t: x\r\n\r\nHi.\r\n"},
      {"no blank behind it", "From:joe@example.org\r\nSubject:x\r\n\r\nHi.\r\n"},
      {"From alone", "From: joe@example.org\r\n\r\nHi.\r\n"},
  };
  for (const auto& row : rows) {
    for (const auto canonicalization : {Canonicalization::simple, Canonicalization::relaxed}) {
      const std::string why = row.why;
      CAPTURE(why);
      CAPTURE(to_string(canonicalization));
      DkimSignOptions options;
      options.header = options.body = canonicalization;
      const auto message =
          sign(dkim_test::split(row.message), {signing_key("r"), signing_key("e")}, options);
      CHECK(summary(verify(message)) == "pass, pass");
      auto altered = message;
      field_named(altered, "from").value += "x";
      CHECK(summary(verify(altered)) == "fail signature-mismatch, fail signature-mismatch");
    }
  }
}

TEST_CASE("an altered message fails (RFC 6376 section 6.1.3, edge case 67)") {
  const struct {
    std::string why;
    std::function<void(Text&)> alter;
    const char* want;
  } rows[] = {
      {"nothing", [](Text&) {}, "pass"},
      {"an octet of the body", [](Text& m) { m.body[0] ^= 1; }, "fail body-hash-mismatch"},
      {"a line more", [](Text& m) { m.body += "x\r\n"; }, "fail body-hash-mismatch"},
      {"empty lines at the end", [](Text& m) { m.body += "\r\n\r\n"; }, "pass"},
      {"a line between header and body, which an MTA takes for the body's first (edge case 60)",
       [](Text& m) { m.body.insert(0, "no field\r\n\r\n"); }, "fail body-hash-mismatch"},
      {"no body any more", [](Text& m) { m.body.clear(); }, "fail body-hash-mismatch"},
      {"LF for CRLF, as files have it",
       [](Text& m) { m.body.erase(std::remove(m.body.begin(), m.body.end(), '\r'), m.body.end()); },
       "pass"},
      {"a bare CR at the end of a line", [](Text& m) { m.body.insert(3, "\r"); },
       "fail body-hash-mismatch"},
      {"a bare CR behind a blank (A97)", [](Text& m) { m.body.insert(0, "a \rb"); },
       "fail body-hash-mismatch"},
      {"the Subject", [](Text& m) { field_named(m, "subject").value += "!"; },
       "fail signature-mismatch"},
      {"a signed field is gone",
       [](Text& m) {
         m.fields.erase(std::find_if(m.fields.begin(), m.fields.end(),
                                     [](const HeaderField& f) { return has_name(f, "to"); }));
       },
       "fail signature-mismatch"},
      {"a From above, which is oversigned (A02, edge case 31)",
       [](Text& m) {
         m.fields.insert(m.fields.begin(), {"From", " evil@attack.example"});
       },
       "fail signature-mismatch"},
      {"a From below",
       [](Text& m) {
         m.fields.push_back({"From", " evil@attack.example"});
       },
       "fail signature-mismatch"},
      {"a From with a blank before the colon (A04)",
       [](Text& m) {
         m.fields.push_back({"From ", " evil@attack.example"});
       },
       "fail signature-mismatch"},
      {"a From with a tab before the colon (A04, edge case 59)",
       [](Text& m) {
         m.fields.insert(m.fields.begin(), {"From\t", " evil@attack.example"});
       },
       "fail signature-mismatch"},
      {"unsigned fields on top",
       [](Text& m) {
         m.fields.insert(m.fields.begin(), {"Received", " from x"});
       },
       "pass"},
      {"names of fields that break the grammar",
       [](Text& m) {
         for (const char* name : {"", " From", "Fr\x01om", "From\r\n ", "From;x", "x y"})
           m.fields.push_back({name, " y"});
       },
       "pass"},
      {"the signature's own field",
       [](Text& m) {
         auto& value = field_named(m, "dkim-signature").value;
         value.replace(value.find("t=1700000000"), 12, "t=1700000001");
       },
       "fail signature-mismatch"},
      {"b=",
       [](Text& m) {
         auto& value = field_named(m, "dkim-signature").value;
         char& c = value[value.find("\tb=") == std::string::npos ? value.find(" b=") + 4
                                                                 : value.find("\tb=") + 4];
         c = c == 'A' ? 'B' : 'A';
       },
       "fail signature-mismatch"},
      {"b= cut short (edge case 53)",
       [](Text& m) {
         auto& value = field_named(m, "dkim-signature").value;
         value = value.substr(0, value.rfind("b=") + 2) + "AAAA";
       },
       "fail signature-mismatch"},
  };
  for (const char* selector : {"r", "e"}) {
    for (const auto& row : rows) {
      const std::string why = row.why;
      CAPTURE(why);
      CAPTURE(std::string(selector));
      auto message = signed_by(selector);
      row.alter(message);
      CHECK(summary(verify(message)) == row.want);
    }
  }
}

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

TEST_CASE("a key from the DNS has a greatest size (A238)") {
  // A modulus of so many octets, odd and with the highest bit set, and the exponent 65537.
  const auto record = [](std::size_t octets) {
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
    add(number, {0x02, 0x03, 0x01, 0x00, 0x01});
    Octets key = {0x30};
    add(key, length(number.size()));
    add(key, number);
    return txt_line("r._domainkey.example.org", "p=" + base64_encode(key));
  };
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
    CHECK(summary(verify(message, record(row.octets))) == row.want);
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

TEST_CASE("l= must cover the body (A83, edge case 51)") {
  const std::string body = plain().body;
  const std::string from = "From: Joe <joe@example.org>\r\n";
  const auto with_length = [&](std::size_t length, const std::string& received) {
    auto message = sign_by_hand(plain(), kTags + " h=from; l=" + std::to_string(length) + ";",
                                body.substr(0, length), from);
    message.body = received;
    return message;
  };
  CHECK(summary(verify(with_length(body.size(), body))) == "pass");
  CHECK(verify(with_length(body.size(), body))[0].notes ==
        std::vector<std::string>{"body-length-covers-body"});
  CHECK(summary(verify(with_length(body.size(), body + "\r\n\r\n"))) == "pass");
  CHECK(summary(verify(with_length(body.size(), body + "<a href=x>\r\n"))) ==
        "policy body-partly-signed");
  CHECK(summary(verify(with_length(7, body))) == "policy body-partly-signed");
  CHECK(summary(verify(with_length(0, body))) == "policy body-partly-signed");
  CHECK(summary(verify(with_length(7, "x" + body))) == "fail body-hash-mismatch");
  CHECK(summary(verify(with_length(body.size(), body.substr(0, body.size() - 3)))) ==
        "fail body-shorter-than-signed");
  CHECK(summary(verify(with_length(body.size() + 1, body))) == "fail body-shorter-than-signed");
}

TEST_CASE("fields that libopendkim does not take are verified all the same") {
  const std::string body = plain().body;
  const std::string from = "From: Joe <joe@example.org>\r\n";
  auto message = sign_by_hand(plain(), kTags + " h=from; zb=q;", body, from);
  CHECK(summary(verify(message)) == "pass");
  message.fields[0].value.replace(message.fields[0].value.find("zb=q"), 4, "zb=r");
  CHECK(summary(verify(message)) == "fail signature-mismatch");

  // A U-label, looked up as A-label and hashed as written (RFC 8616 section 5, edge case 66).
  message = sign_by_hand(plain(),
                         "v=1; a=rsa-sha256; d=b\xc3\xbc"
                         "cher.example; s=r; h=from;",
                         body, from);
  CHECK(summary(verify(message, txt_line("r._domainkey.xn--bcher-kva.example",
                                         key_record_text(*private_key(KeyType::rsa))))) == "pass");
  CHECK(verify(message)[0].domain->text() == "xn--bcher-kva.example");

  // A NUL in a signed field (A171).
  message = sign_by_hand(plain(), kTags + " h=from;", body, from);
  CHECK(summary(verify(message)) == "pass");
  field_named(message, "from").value += std::string("\0, <admin@legitimate.example>", 29);
  CHECK(summary(verify(message)) == "fail signature-mismatch");
}

TEST_CASE("signatures are verified without a From that can be read (A99)") {
  const std::string to = "To: Suzie <suzie@shopping.example.net>\r\n";
  for (const char* from : {"", " a (b <a@example.com>", " g: a@b.example, c@d.example;", " <>"}) {
    CAPTURE(std::string(from));
    auto message = plain();
    field_named(message, "from").value = from;
    message = sign_by_hand(message, kTags + " h=from:to;", message.body,
                           "From:" + std::string(from) + "\r\n" + to);
    CHECK(summary(verify(message)) == "pass");
  }
  auto message = plain();
  message.fields.erase(message.fields.begin());
  CHECK(summary(verify(sign_by_hand(message, kTags + " h=from:to;", message.body, to))) == "pass");
}

TEST_CASE("time is the caller's (A95)") {
  const auto at = [](std::int64_t now) {
    DkimVerifyOptions options;
    options.now = now;
    DkimSignOptions signing;
    signing.now = 1'100'000'000;  // 2004
    signing.lifetime = 3600;
    return summary(verify(sign(plain(), {signing_key("r")}, signing), zone(), options));
  };
  CHECK(at(1'100'000'000) == "pass");
  CHECK(at(1'100'000'000 + 3600 + 300) == "pass");
  CHECK(at(1'100'000'000 + 3600 + 301) == "fail signature-expired");
  CHECK(at(1'100'000'000 - 300) == "pass");
  CHECK(at(1'100'000'000 - 301) == "policy signature-in-future");
}

TEST_CASE("each signature has its own verdict, in the order they stand (A92, A101)") {
  auto message = sign(plain(), {signing_key("r"), signing_key("e")});
  CHECK(summary(verify(message)) == "pass, pass");
  message.fields.insert(message.fields.begin(), {"DKIM-Signature", " garbage"});
  CHECK(summary(verify(message)) == "neutral malformed-tag-list, pass, pass");
  // The same signature three times, sharing d=, s= and everything else.
  message.fields.insert(message.fields.begin() + 3, 2, message.fields[1]);
  CHECK(summary(verify(message)) == "neutral malformed-tag-list, pass, pass, pass, pass");
  // A bad one before and behind good ones.
  message.fields[3].value.replace(message.fields[3].value.find("t=1700"), 6, "t=1600");
  CHECK(summary(verify(message)) ==
        "neutral malformed-tag-list, pass, pass, fail signature-mismatch, pass");
  std::reverse(message.fields.begin(), message.fields.begin() + 5);
  CHECK(summary(verify(message)) ==
        "pass, fail signature-mismatch, pass, pass, neutral malformed-tag-list");
}

TEST_CASE("at most so many signatures are judged, bad ones counted (A91, edge case 49)") {
  auto message = signed_by("r");
  message.fields.insert(message.fields.begin(), 9, {"DKIM-Signature", " garbage"});
  auto outcomes = verify(message);
  REQUIRE(outcomes.size() == 10);
  CHECK(outcomes[9].result == DkimResult::pass);

  message.fields.insert(message.fields.begin(), {"DKIM-Signature", " garbage"});
  outcomes = verify(message);
  REQUIRE(outcomes.size() == 11);
  CHECK(outcomes[9].reason == DkimReason::malformed_tag_list);
  CHECK(outcomes[10].result == DkimResult::policy);
  CHECK(outcomes[10].reason == DkimReason::too_many_signatures);

  DkimVerifyOptions options{.now = kNow};
  options.maximum_signatures = 0;
  CHECK(summary(verify(signed_by("r"), zone(), options)) == "policy too-many-signatures");
}

TEST_CASE("bad signatures count among those, whatever is wrong and where they stand (A239)") {
  for (const char* bad : {" garbage", "", " v=2",
                          " v=1; a=rsa-sha1; b=AAAA; bh=AAAA; c=simple; d=a.example; h=from; s=s",
                          " v=1; d=a.example; s=s; x=1"}) {
    CAPTURE(std::string(bad));
    auto crowded = signed_by("r");
    crowded.fields.insert(crowded.fields.begin(), 10, {"DKIM-Signature", bad});
    CHECK(summary(verify(crowded)).ends_with("policy too-many-signatures"));
    crowded = signed_by("r");
    crowded.fields.insert(crowded.fields.end(), 10, {"dkim-signature ", bad});
    CHECK(summary(verify(crowded)).starts_with("pass"));
    CHECK(summary(verify(crowded)).ends_with("policy too-many-signatures"));
  }
}

TEST_CASE("two lengths of the body are hashed and no more (A91)") {
  const std::string body = plain().body;
  const std::string from = "From: Joe <joe@example.org>\r\n";
  auto message = plain();
  for (const std::size_t length : {std::size_t{3}, std::size_t{2}, std::size_t{2}, body.size()}) {
    message = sign_by_hand(message, kTags + " h=from; l=" + std::to_string(length) + ";",
                           body.substr(0, length), from);
  }
  CHECK(summary(verify(message)) ==
        "pass, policy body-partly-signed, policy body-partly-signed, "
        "policy too-many-body-lengths");
}

TEST_CASE("the body is not wanted when it decides nothing") {
  const auto resolver = make_test_resolver(zone());
  const auto wants = [&](const Text& message) {
    DkimVerifier verifier(engine(), *resolver, {.now = kNow});
    for (const auto& field : message.fields) verifier.header(field);
    verifier.end_of_headers();
    return verifier.wants_body();
  };
  CHECK_FALSE(wants(plain()));
  CHECK(wants(signed_by("r")));
  auto message = plain();
  message.fields.push_back({"DKIM-Signature", " garbage"});
  CHECK_FALSE(wants(message));
  CHECK(summary(verify(plain())) == "none");
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

TEST_CASE("a body in pieces is the same body (A97)") {
  DkimSignOptions options;
  options.body = Canonicalization::simple;
  const auto message = sign(plain(), {signing_key("r"), signing_key("e")}, options);
  const auto resolver = make_test_resolver(zone());
  for (std::size_t cut = 0; cut <= message.body.size(); ++cut) {
    DkimVerifier verifier(engine(), *resolver, {.now = kNow});
    for (const auto& field : message.fields) verifier.header(field);
    verifier.end_of_headers();
    verifier.body(std::string_view(message.body).substr(0, cut));
    verifier.body("");
    verifier.body(std::string_view(message.body).substr(cut));
    CHECK(summary(verifier.finish()) == "pass, pass");
  }
}

TEST_CASE("fields on top of what was signed are named, and may cost the pass (A86, A213)") {
  using Fields = std::vector<HeaderField>;
  DkimSignOptions some;  // kPlainMessage has more of them
  some.headers = {"from", "to", "subject"};
  const struct {
    std::string why;
    DkimSignOptions options;
    Fields above;  // the signature
    Fields below;
    std::string added;
  } rows[] = {
      {"nothing", some, {}, {}, ""},
      {"a second Subject", some, {{"Subject", " buy"}}, {}, "subject"},
      {"a second To, a blank before the colon", some, {{"TO ", " b@away.example"}}, {}, "to"},
      {"... wherever it stands", some, {}, {{"To", " b@away.example"}}, "to"},
      {"one that was not signed, and stands above",
       some,
       {{"Reply-To", " m@attack.example"}},
       {},
       "reply-to"},
      {"... and below: nobody knows since when", some, {}, {{"Reply-To", " m@attack.example"}}, ""},
      {"in the order in which readers show them",
       some,
       {{"Content-Type", " text/html"}, {"Sender", " x"}, {"Cc", " x"}},
       {},
       "cc sender content-type"},
      {"fields that nobody is shown",
       some,
       {{"Received", " x"}, {"X-Mood", " x"}, {"List-Id", " x"}},
       {},
       ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto message = sign(plain(), {signing_key("r")}, row.options);
    message.fields.insert(message.fields.begin(), row.above.begin(), row.above.end());
    message.fields.insert(
        message.fields.begin() + 1 + static_cast<std::ptrdiff_t>(row.above.size()),
        row.below.begin(), row.below.end());
    const auto resolver = make_test_resolver(zone());
    const auto outcomes = verify(message, *resolver);
    CHECK(summary(outcomes) == "pass");
    std::string added;
    for (const auto& name : outcomes[0].added_fields) added += (added.empty() ? "" : " ") + name;
    CHECK(added == row.added);
    const auto strict =
        verify(message, *resolver, {.now = kNow, .added_fields = AddedFields::not_a_pass});
    CHECK(summary(strict) == (row.added.empty() ? "pass" : "policy added-fields"));
  }
}

TEST_CASE("a signature that does not hold keeps its reason, whatever was added") {
  auto message = signed_by("r");
  message.fields.insert(message.fields.begin(), {"Subject", " buy"});
  message.body += "more\r\n";
  const auto resolver = make_test_resolver(zone());
  CHECK(
      summary(verify(message, *resolver, {.now = kNow, .added_fields = AddedFields::not_a_pass})) ==
      "fail body-hash-mismatch");
}

TEST_CASE("header.b tells signatures apart (RFC 6008 section 4, edge case 69)") {
  using Strings = std::vector<std::string>;
  CHECK(signature_prefixes({}) == Strings{});
  CHECK(signature_prefixes({"ABCDEFGHIJ"}) == Strings{"ABCDEFGH"});
  CHECK(signature_prefixes({"ABCDEFGHIJ", "BBCDEFGHIJ"}) == Strings{"ABCDEFGH", "BBCDEFGH"});
  CHECK(signature_prefixes({"ABCDEFGHIJKL", "ABCDEFGHIJXY"}) ==
        Strings{"ABCDEFGHIJK", "ABCDEFGHIJX"});
  CHECK(signature_prefixes({"ABCDEFGHIJ", "ABCDEFGHIJ"}) == Strings{"ABCDEFGH", "ABCDEFGH"});
  CHECK(signature_prefixes({"AAAA", "AAAABBBBCCCC", ""}) == Strings{"AAAA", "AAAABBBB", ""});
  const auto outcomes = verify(sign(plain(), {signing_key("r"), signing_key("e")}));
  CHECK(outcomes[0].signature_prefix.size() == 8);
  CHECK(outcomes[0].signature_prefix != outcomes[1].signature_prefix);
}

TEST_CASE("one engine serves many threads") {
  const auto message = sign(plain(), {signing_key("r"), signing_key("e")});
  const auto resolver = make_test_resolver(zone());
  std::atomic<int> passed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        if (summary(verify(message, *resolver)) == "pass, pass") ++passed;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(passed == 80);
}
