#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "dkim/signature_prefix.h"
#include "lib/dkim/signed_messages.h"

using namespace authmilter;
using namespace dkim_test;

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
