#include <doctest/doctest.h>

#include <string>

#include "lib/sign/outgoing.h"

using namespace authmilter;
using namespace test;

TEST_CASE("what was judged when it came in is not signed when it comes back (A151)") {
  const std::string failed =
      "mx.home.example; spf=fail; dkim=none; dmarc=fail header.from=home.example";
  const std::string passed = "mx.home.example; spf=pass; dmarc=pass header.from=home.example";
  const struct {
    std::string why;
    std::vector<std::string> results;  // values of Authentication-Results fields, from the top
    bool is_signed;
    std::string edits;  // ordinals of fields that go
  } rows[] = {
      {"a forgery of ours that was let through", {failed}, false, ""},
      {"ours that passed", {passed}, true, "-1"},
      {"passed, for another author",
       {"mx.home.example; dmarc=pass header.from=other.example"},
       false,
       "-1 +"},
      {"passed, for a domain below",
       {"mx.home.example; dmarc=pass header.from=x.home.example"},
       false,
       "-1 +"},
      {"passed, nobody says for whom", {"mx.home.example; dmarc=pass"}, false, "-1 +"},
      {"passed, for two",
       {"mx.home.example; dmarc=pass header.from=home.example header.from=a.example"},
       false,
       "-1 +"},
      {"passed and failed",
       {"mx.home.example; dmarc=pass header.from=home.example; dmarc=fail"},
       false,
       "-1 +"},
      {"no policy", {"mx.home.example; dmarc=none header.from=home.example"}, false, ""},
      {"undecided", {"mx.home.example; dmarc=temperror header.from=home.example"}, false, ""},
      {"DMARC was not checked",
       {"mx.home.example; dkim=pass header.d=home.example"},
       false,
       "-1 +"},
      {"nothing was checked", {"mx.home.example; none"}, false, "-1 +"},
      {"capitals and a dot", {"MX.Home.EXAMPLE.; dmarc=fail"}, false, ""},
      {"quoted, with a version", {" \"mx.home.example\" 1; dmarc=fail"}, false, ""},
      {"behind a comment and a fold", {" (x)\r\n\tmx.home.example (y); dmarc=fail"}, false, ""},
      {"pass behind a comment",
       {"mx.home.example; dmarc=(fail)pass header.from=home.example"},
       true,
       "-1"},
      {"folded as we fold",
       {"mx.home.example;\r\n\tspf=fail smtp.mailfrom=home.example;\r\n\tdmarc=fail"},
       false,
       ""},
      {"A214: a line in a comment that reads as ours",
       {"mx.home.example; dmarc=fail (\r\n\tmx.home.example; dmarc=pass)"},
       false,
       "-1 +"},
      {"A214: ... before the name",
       {"(\r\n\tmx.home.example; dmarc=pass)\r\n\tmx.home.example; dmarc=fail"},
       false,
       "-1 +"},
      {"A214: ... in a string",
       {"mx.home.example; dmarc=fail reason=\"\r\n MX.home.example; dmarc=pass\""},
       false,
       "-1 +"},
      {"A214: an encoded word",
       {"mx.home.example; dmarc=fail (=?utf-8?q?=0Amx.home.example;_dmarc=3Dpass?=)"},
       false,
       "-1 +"},
      {"A251: rewritten by a program as an encoded word",
       {"=?utf-8?q?mx=2Ehome=2Eexample=3B_dmarc=3Dfail?="},
       false,
       "-1 +"},
      {"A251: a long value rewritten, behind our name",
       {"mx.home.example;\r\n dmarc=fail header.from==?utf-8?q?home=2Eexample?="},
       false,
       "-1 +"},
      {"results that cannot be read", {"mx.home.example; dmarc=fail ;;= pass"}, false, "-1 +"},
      {"an end that cannot be read", {"mx.home.example/1; dmarc=fail"}, false, "-1 +"},
      {"quoted, and not ended", {"\"mx.home.example; dmarc=fail"}, false, "-1 +"},
      {"no name at all, as some large senders write",
       {"dmarc=none header.from=home.example;"},
       true,
       "-1"},
      {"a name that ends like ours", {"amx.home.example; dmarc=fail"}, true, ""},
      {"another host's", {"mx.away.example; dmarc=fail header.from=home.example"}, true, ""},
      {"A210: passed above, failed below", {passed, failed}, false, "-1"},
      {"A210: failed above, passed below", {failed, passed}, false, "-2"},
      {"a border server's", {"border.home.example; dmarc=fail"}, false, ""},
      {"a border server's that vouches",
       {"border.home.example; dmarc=pass (p=none) header.from=home.example"},
       true,
       ""},
      {"... with an address",
       {"border.home.example; dmarc=pass header.from=a@home.example"},
       true,
       ""},
      {"A214: a stranger's in our name, behind a border server's",
       {"border.home.example; dmarc=fail", passed},
       false,
       "-2"},
      {"A214: a stranger's in its name, below ours",
       {failed, "border.home.example; dmarc=pass header.from=home.example"},
       false,
       ""},
  };
  Config config = signing_config();
  config.trusted_authserv_ids = {DomainName::parse("border.home.example").value()};
  for (const char* client : {"127.0.0.1", static_cast<const char*>(nullptr)}) {
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Input input{.client = client};
      for (auto value = row.results.rbegin(); value != row.results.rend(); ++value)
        input.header = "Authentication-Results: " + *value + "\r\n" + input.header;
      const SigningOutcome outcome = sign(input, config);
      CHECK(outcome.reason.text() == (row.is_signed ? "signed" : "judged-before"));
      const std::string inserted = row.is_signed ? kTwice : "";
      CHECK(edited(outcome) ==
            row.edits + (row.edits.empty() || inserted.empty() ? "" : " ") + inserted);
      if (!row.is_signed)
        CHECK(sign({.header = edited_header(input.header, outcome), .client = client}, config)
                  .reason.text() == "judged-before");
      // A person who is logged in may send on what it got, and is asked for it (A127).
      input.auth_user = "alice@home.example";
      CHECK(sign(input, config).reason.text() == "signed");
    }
  }
}

TEST_CASE("A252: a results field beyond the limits leaves another that is not") {
  Config config = signing_config();
  config.verify.limits.field_octets = 2000;
  const std::string from = "From: a@home.example\r\n";
  const std::string results = "Authentication-Results: mx.home.example; dkim=fail reason=\"" +
                              std::string(2000, 'x') + "\"; dmarc=fail\r\n";
  const SigningOutcome first = sign({.header = results + from}, config);
  CHECK(first.reason.text().starts_with("header-limit-exceeded"));
  CHECK(edited(first) == "-1 +");
  const SigningOutcome second = sign({.header = edited_header(results + from, first)}, config);
  CHECK(second.reason.text() == "judged-before");
  CHECK(edited(second) == "");
}

TEST_CASE("a verdict that comes back stays with its results") {
  const std::string verdict = "X-Authmilter-Verdict: suspicious (spf fail for home.example)\r\n";
  const std::string results = "Authentication-Results: mx.home.example; dmarc=fail\r\n";
  const std::string from = "From: a@home.example\r\n";
  CHECK(edited(sign({.header = verdict + results + from}, signing_config())) == "");
  CHECK(edited(sign({.header = verdict + results + "From: a@away.example\r\n"},
                    signing_config())) == "");
  CHECK(edited(sign({.header = verdict + from}, signing_config())) ==
        "-1X-Authmilter-Verdict " + std::string(kTwice));
  CHECK(edited(sign({.header = verdict + results + from, .auth_user = "alice"},
                    signing_config())) == "-1 -1X-Authmilter-Verdict " + std::string(kTwice));
}

TEST_CASE("what bears a signature of ours that holds is not signed again") {
  const Config config = signing_config();
  const std::string plain = Input{}.header;
  const std::string once = edited_header(plain, sign({}, config));
  std::string broken_body = once;  // both bh= begin alike
  for (std::size_t at = 0; (at = broken_body.find("bh=", at)) != std::string::npos; ++at)
    broken_body[at + 3] = broken_body[at + 3] == 'A' ? 'B' : 'A';
  Config one_key = config;
  one_key.signing.domains[0].keys.pop_back();
  Config tenant = config;
  tenant.signing.domains = {config.signing.domains[2]};
  tenant.signing.domains[0].domain = *DomainName::parse("home.example");
  const struct {
    std::string why;
    Input input;
    const Config& config;
    const char* reason;
  } rows[] = {
      {"as it was", {.header = once}, config, "signed-before"},
      {"by a user", {.header = once, .auth_user = "alice"}, config, "signed-before"},
      {"one signature of two is enough",
       {.header = edited_header(plain, sign({}, one_key))},
       config,
       "signed-before"},
      {"changed on the way", {.header = once + "Subject: another\r\n"}, config, "signed"},
      {"another body", {.header = broken_body}, config, "signed"},
      {"by a key that is not configured",
       {.header = edited_header(plain, sign({}, tenant))},
       one_key,
       "signed"},
      {"A211: with a field on top that it does not cover",
       {.header = "X-Mood: bad\r\n" + once},
       config,
       "signed-before"},
      {"judged, and vouched for",
       {.header =
            "Authentication-Results: mx.home.example; dmarc=pass header.from=home.example\r\n" +
            once},
       config,
       "signed-before"},
      {"judged, and not vouched for",
       {.header = "Authentication-Results: mx.home.example; dmarc=fail\r\n" + once},
       config,
       "judged-before"},
      {"a field that only looks like a signature of ours",
       {.header = "DKIM-Signature: v=1; d=home.example; s=r\r\n" + plain},
       config,
       "signed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const SigningOutcome outcome = sign(row.input, row.config);
    CHECK(outcome.reason.text() == row.reason);
    CHECK((outcome.reason.text() == "signed") == !outcome.keys.empty());
  }
}

TEST_CASE("a signature of another domain of ours does not speak for the author") {
  const Config config = signing_config("also = [\"tenant.example\"]\n");
  const std::string plain = Input{}.header;
  const SigningOutcome all = sign({}, config);
  REQUIRE(selectors(all) == "home.example/r home.example/e tenant.example/t");
  const auto signed_by = [&](const char* domain) {
    SigningOutcome outcome = all;
    std::erase_if(outcome.edits, [&](const HeaderEdit& edit) {
      return edit.value.find(std::string("d=") + domain) == std::string::npos;
    });
    return edited_header(plain, outcome);
  };
  const struct {
    std::string why;
    std::string header;
    const char* selectors;
    const char* reason;
  } rows[] = {
      {"by all", edited_header(plain, all), "", "signed-before"},
      {"by the author's alone", signed_by("home.example"), "", "signed-before"},
      {"by the other alone", signed_by("tenant.example"), "home.example/r home.example/e",
       "signed"},
      {"... which does not hold", signed_by("tenant.example") + "To: b@away.example\r\n",
       "home.example/r home.example/e tenant.example/t", "signed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const SigningOutcome outcome = sign({.header = row.header}, config);
    CHECK(selectors(outcome) == row.selectors);
    CHECK(outcome.reason.text() == row.reason);
    CHECK(outcome.edits.size() == outcome.keys.size());
  }
}

TEST_CASE("a flood of signatures in our name costs no more than the limit (A91)") {
  std::string header = Input{}.header;
  const std::string once = edited_header("", sign({}, signing_config()));
  for (int i = 0; i < 100; ++i)
    header = "DKIM-Signature: v=1; a=rsa-sha256; d=home.example; s=r; h=from; bh=AAAA; b=AAAA\r\n" +
             header;
  CHECK(sign({.header = header + once}, signing_config()).reason.text() == "signed");
}
