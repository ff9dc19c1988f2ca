#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/dkim/signed_messages.h"

using namespace authmilter;
using namespace dkim_test;

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
