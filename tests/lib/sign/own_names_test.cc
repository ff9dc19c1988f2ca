#include <doctest/doctest.h>

#include <string>

#include "lib/sign/outgoing.h"

using namespace authmilter;
using namespace test;

TEST_CASE("a submission cannot carry results in our name (A127)") {
  const SigningOutcome outcome = sign(
      {.header = "Authentication-Results: mx.home.example; dmarc=pass header.from=home.example\r\n"
                 "From: a@home.example\r\n"},
      signing_config());
  REQUIRE(outcome.edits.size() == 3);
  CHECK(outcome.edits[0] ==
        HeaderEdit{HeaderEdit::Action::remove, 1, "Authentication-Results", ""});
  CHECK(outcome.edits[1].name == "DKIM-Signature");
}

TEST_CASE("nor can one whose header is over the limits carry what a receiving host adds") {
  std::string header = "From: a@home.example\r\n";
  for (int i = 0; i < 1000; ++i) header += "X: y\r\n";
  for (const std::string name :
       {"Authentication-Results", "X-Authmilter-Verdict", "BIMI-Location", "bimi-indicator"}) {
    CAPTURE(name);
    const SigningOutcome outcome =
        sign({.header = header + name + ": mx.home.example; dmarc=pass\r\n"}, signing_config());
    CHECK(outcome.reason.text() == "header-limit-exceeded (more than 1000 fields)");
    const bool results = name == "Authentication-Results";  // that vouch for nobody
    REQUIRE(outcome.edits.size() == (results ? 2 : 1));
    CHECK(outcome.edits[0] == HeaderEdit{HeaderEdit::Action::remove, 1, name, ""});
    if (results)
      CHECK(outcome.edits[1].value == "mx.home.example;\n\tdmarc=permerror (judged before)");
  }
}

TEST_CASE("what speaks against a message stays in it beyond the limits, too (A151)") {
  // It was below them when it came in; our field and the next hop's Received made it longer.
  std::string header =
      "Received: from localhost\r\n"
      "Authentication-Results: mx.home.example; dmarc=fail header.from=home.example\r\n"
      "From: a@home.example\r\n";
  for (int i = 0; i < 998; ++i) header += "X: y\r\n";
  const Input inputs[] = {
      {.header = header, .client = "127.0.0.1"},
      {.header = header + "X: " + std::string(70'000, 'y') + "\r\n", .client = "127.0.0.1"}};
  for (const Input& input : inputs) {
    const SigningOutcome outcome = sign(input, signing_config());
    CHECK(outcome.reason.text().starts_with("header-limit-exceeded"));
    CHECK(outcome.edits.empty());
    CHECK_FALSE(outcome.failed);
  }
}

TEST_CASE("what a border server says stays in mail from inside, and from nobody else") {
  const std::string header =
      "X-Authmilter-Verdict: suspicious (spf fail for bank.example)\r\n"
      "Authentication-Results: border.home.example; dmarc=fail\r\n"
      "BIMI-Location: v=BIMI1; l=https://bank.example/logo.svg\r\n"
      "From: a@bank.example\r\n";
  const struct {
    std::string why;
    Input input;
    std::vector<std::string> trusted;
    std::size_t removed;
  } rows[] = {
      {"a border server", {.header = header, .client = "127.0.0.1"}, {"border.home.example"}, 0},
      {"none is configured: the verdict and the logo",
       {.header = header, .client = "127.0.0.1"},
       {},
       2},
      {"an authenticated user",
       {.header = header, .auth_user = "alice", .client = "127.0.0.1"},
       {"border.home.example"},
       2},
      {"an authenticated user outside",
       {.header = header, .auth_user = "alice", .client = "192.0.2.1"},
       {"border.home.example"},
       2},
      {"a program on this host", {.header = header}, {"border.home.example"}, 2},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Config config = signing_config();
    for (const std::string& name : row.trusted)
      config.trusted_authserv_ids.push_back(DomainName::parse(name).value());
    CHECK(sign(row.input, config).edits.size() == row.removed);
  }
}
