#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>

#include <authmilter/published_key.h>

#include "lib/sign/outgoing.h"

using namespace authmilter;
using namespace test;

TEST_CASE("names to oversign and the lifetime come from the configuration") {
  const auto value = [](const std::string& signing) {
    return sign({}, signing_config(signing)).edits.front().value;
  };
  CHECK(value("").find("h=from:from:subject:subject:reply-to:to:cc;") != std::string::npos);
  CHECK(value("").find(" x=") == std::string::npos);
  const std::string set = value("oversign = [\"to\", \"cc\"]\nlifetime = \"2d\"\n");
  CHECK(set.find("h=from:from:subject:to:cc;") != std::string::npos);
  CHECK(value("oversign = []\noversign_present = [\"subject\", \"date\"]\n")
            .find("h=from:from:subject:subject;") != std::string::npos);
  CHECK(set.find("t=1700000000; x=1700172800;") != std::string::npos);
}

TEST_CASE("what MTAs may write anew is named") {
  const std::string from = "From: a@home.example\r\n";
  const auto to_list = [](int members, const char* separator) {
    std::string text = "To: ";
    for (int i = 0; i < members; ++i)
      text += (i == 0 ? "" : separator) + ("recipient" + std::to_string(i) + "@away.example");
    return text + "\r\n";
  };
  const std::string at_998 = std::string(998, 'x') + "\r\n";
  const struct {
    std::string why;
    std::string header;
    std::string body;
    std::string fragile;           // Postfix
    std::string fragile_sendmail;  // Sendmail
  } rows[] = {
      {"nothing", from, "Hello.\r\n", "", ""},
      {"no body", from, "", "", ""},
      {"A154: a line of 990", from, std::string(990, 'x') + "\r\n", "", ""},
      {"A154: a line of 991", from, std::string(991, 'x') + "\r\n", "", "long-line"},
      {"A154: a line of 998", from, at_998, "", "long-line"},
      {"A154: a line of 999", from, "x" + at_998, "long-line", "long-line"},
      {"... of which one is a bare CR", from, "\r" + at_998, "long-line", "long-line"},
      {"... that does not end", from, std::string(999, 'x'), "long-line", "long-line"},
      {"... that ends with LF", from, std::string(999, 'x') + "\n", "long-line", "long-line"},
      {"... and one of 998 that does", from, std::string(998, 'x') + "\n", "", "long-line"},
      {"a long one behind a short one", from, "a\r\n" + std::string(2000, 'x') + "\r\nb\r\n",
       "long-line", "long-line"},
      {"A154: a list on one line", from + to_list(70, ", "), "", "long-line", ""},
      {"... folded", from + to_list(70, ",\r\n\t"), "", "", ""},
      {"a long Subject", from + "Subject: " + std::string(990, 'x') + "\r\n", "", "long-line",
       "long-line"},
      {"a long field that is not signed", from + "X-Mood: " + std::string(2000, 'x') + "\r\n", "",
       "", ""},
      {"A154: 8-bit text", from, "\xc4\x8d\r\n", "8bit", "8bit"},
      {"A154: said to be 8-bit text", from + "Content-Transfer-Encoding: 8BIT\r\n", "x\r\n", "8bit",
       "8bit"},
      {"binary", from + "Content-Transfer-Encoding:\r\n\tbinary\r\n", "x\r\n", "8bit", "8bit"},
      {"said to be 7-bit text", from + "Content-Transfer-Encoding: 7bit\r\n", "x\r\n", "", ""},
      {"two kinds", from, "\xc4\x8d" + at_998, "long-line,8bit", "long-line,8bit"},
      {"an address without a domain", from + "To: alice, bob@away.example\r\n", "", "",
       "unqualified-address"},
      {"a group", from + "To: friends: bob@away.example, carol@away.example;\r\n", "", "", ""},
      {"an empty group", from + "To: undisclosed-recipients:;\r\n", "", "", ""},
      {"a comment with a sign", from + "Cc: alice (a@away.example)\r\n", "", "",
       "unqualified-address"},
      {"a display name with a sign", from + "Cc: \"a@away.example\" <alice>\r\n", "", "",
       "unqualified-address"},
  };
  const Config config = signing_config();
  for (const auto& row : rows) {
    CAPTURE(row.why);
    for (const Mta mta : {Mta::other, Mta::sendmail}) {
      for (std::size_t cut = 0; cut <= row.body.size(); cut += 1 + row.body.size() / 2) {
        CAPTURE(cut);
        const SigningOutcome outcome =
            sign({.header = row.header, .mta = mta, .body = row.body, .cut = cut}, config);
        std::string kinds;
        for (const Fragility kind : outcome.fragile)
          kinds += (kinds.empty() ? "" : ",") + std::string(to_string(kind));
        CHECK(outcome.reason.text() == "signed");
        CHECK(kinds == (mta == Mta::sendmail ? row.fragile_sendmail : row.fragile));
      }
    }
  }
}

TEST_CASE("a field that Sendmail will write anew is left out") {
  const std::string header =
      "From: a@home.example\r\nTo: bob, c@away.example\r\nCc: d@away.example\r\n";
  const auto names = [&](Mta mta) {
    const std::string value = sign({.header = header, .mta = mta}, signing_config()).edits[0].value;
    const std::size_t at = value.find("h=");
    return value.substr(at, value.find(';', at) - at);
  };
  CHECK(names(Mta::other) == "h=from:from:subject:reply-to:to:to:cc:cc");
  CHECK(names(Mta::sendmail) == "h=from:from:subject:reply-to:cc:cc");
}

TEST_CASE("what is signed here verifies here") {
  const Config config = signing_config();
  const SigningOutcome outcome = sign({}, config);
  const auto ring = KeyRing::load(config.signing);
  std::string zone;
  for (const SigningKey& key : (*ring)->all()) {
    zone += key.selector.text() + "._domainkey." + key.domain.text() + " TXT";
    const std::string record = key_record_text(*key.key);
    for (std::size_t at = 0; at < record.size(); at += 200)
      zone += " \"" + record.substr(at, 200) + '"';
    zone += '\n';
  }
  const auto resolver = make_test_resolver(zone);
  const DkimEngine engine;
  DkimVerifier verifier(engine, *resolver, {.now = 1'700'000'000});
  for (auto edit = outcome.edits.rbegin(); edit != outcome.edits.rend(); ++edit) {
    verifier.header(make_header_field(edit->name, " " + edit->value));
  }
  for (const HeaderField& field : parse_message(Input{}.header + "\r\n").fields)
    verifier.header(field);
  verifier.end_of_headers();
  verifier.body("Hello.\r\n");
  const auto verdicts = verifier.finish();
  REQUIRE(verdicts.size() == 2);
  for (const DkimOutcome& verdict : verdicts) {
    CAPTURE(verdict.reason);
    CHECK(verdict.result == DkimResult::pass);
  }
}

TEST_CASE("a key that cannot be read is an error with its place in the configuration") {
  const auto config = parse_config(
      "[[signing.domain]]\ndomain = \"home.example\"\nkeys = [\n"
      "  { selector = \"r\", file = \"/nonexistent/key.pem\" } ]\n",
      "x.toml", "host.example");
  REQUIRE(config);
  const auto ring = KeyRing::load(config->signing);
  REQUIRE_FALSE(ring);
  CHECK_MESSAGE(ring.error().message.starts_with("x.toml:4:"), ring.error().message);
  CHECK(ring.error().message.find("/nonexistent/key.pem") != std::string::npos);
}
