#include <authmilter/verify.h>

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>

#include "lib/arc/chains.h"

// Mail of an author with p=reject that comes by way of others: what is accepted, by whose word, and
// what is not.

using namespace authmilter;
using namespace arc_test;

namespace {

const std::string kTrusted = "[[policy.trusted_sealer]]\ndomain = \"lists.example.edu\"\n";

Verdict judge(const Text& message, const std::string& policy, const std::string& more = "",
              const std::vector<ZoneFault>& faults = {}) {
  const auto config = parse_config("[identity]\nauthserv_id = \"mx.home.example\"\n" + policy,
                                   "test", "host.example");
  REQUIRE_MESSAGE(config, (config ? "" : config.error().message));
  const auto resolver = make_test_resolver(
      zone() + dkim_test::zone() + "_dmarc.example.org TXT \"v=DMARC1; p=reject\"\n" + more,
      faults);
  Envelope envelope;
  envelope.client = IpAddress::parse("192.0.2.66");
  envelope.helo = parse_helo("mail.lists.example.edu");
  envelope.mail_from = parse_reverse_path("<bounces@lists.example.edu>");
  MessageVerifier verifier(*config, dkim_test::engine(), *resolver, envelope, kNow);
  verifier.add_recipient(parse_reverse_path("<user@home.example>"));
  for (const HeaderField& field : message.fields) verifier.header(field);
  verifier.end_of_headers();
  if (verifier.wants_body()) verifier.body(message.body);
  return verifier.finish();
}

std::string summary(const Verdict& verdict) {
  return std::string(to_string(verdict.disposition)) + " " + rule_text(verdict.decision) +
         ", dmarc=" + std::string(to_string(verdict.findings.dmarc.result)) +
         ", arc=" + std::string(to_string(verdict.findings.arc.result));
}

Text by_author() { return dkim_test::sign(plain(), {dkim_test::signing_key("r")}); }
Text by_list(const Hop& hop = {}) { return sealed(changed_by_list(by_author()), hop); }

}  // namespace

TEST_CASE("an author with p=reject through a list that changes and seals (A178)") {
  const struct {
    std::string why;
    Text message;
    std::string policy;
    std::string want;
  } rows[] = {
      {"nobody is trusted: a chain is information", by_list(), "",
       "reject dmarc.reject, dmarc=fail, arc=pass"},
      {"the list is trusted", by_list(), kTrusted, "accept arc.trusted, dmarc=fail, arc=pass"},
      {"with a mark", by_list(), kTrusted + "dmarc_reject = \"tag\"\n",
       "tag arc.trusted, dmarc=fail, arc=pass"},
      {"from the network of the list", by_list(), kTrusted + "networks = \"192.0.2.0/24\"\n",
       "accept arc.trusted, dmarc=fail, arc=pass"},
      {"not from elsewhere", by_list(), kTrusted + "networks = \"198.51.100.0/24\"\n",
       "reject dmarc.reject, dmarc=fail, arc=pass"},
      {"it had failed when it came to the list",
       by_list({.results = "dmarc=fail header.from=example.org"}), kTrusted,
       "reject dmarc.reject, dmarc=fail, arc=pass"},
      {"a stranger handed it on", sealed(by_list(), {.domain = "stranger.example"}), kTrusted,
       "reject dmarc.reject, dmarc=fail, arc=pass"},
      {"a stranger sealed it", by_list({.domain = "stranger.example"}), kTrusted,
       "reject dmarc.reject, dmarc=fail, arc=pass"},
      {"no seal", changed_by_list(by_author()), kTrusted,
       "reject dmarc.reject, dmarc=fail, arc=none"},
      {"unchanged, so DMARC passes by itself", sealed(by_author()), kTrusted,
       "accept dmarc.pass, dmarc=pass, arc=pass"},
      {"monitor mode", by_list(), "[verify]\nmode = \"monitor\"\n",
       "accept dmarc.reject, dmarc=fail, arc=pass"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(summary(judge(row.message, row.policy)) == row.want);
  }
  CHECK(judge(by_list(), kTrusted)
            .authentication_results.ends_with(
                "arc=pass smtp.remote-ip=192.0.2.66 header.oldest-pass=0"));
}

TEST_CASE("a trusted sealer's chain on another's content is no pass (A135)") {
  Text other = by_list();
  other.body = "Pay now.\r\n";
  CHECK(summary(judge(other, kTrusted)) == "reject dmarc.reject, dmarc=fail, arc=fail");
  // What its message signature does not cover: a second Subject.
  Text added = by_list();
  added.fields.insert(added.fields.begin(), {"Subject", " Pay now"});
  CHECK(summary(judge(added, kTrusted)) == "reject dmarc.reject, dmarc=fail, arc=pass");
  // Another author under his seal.
  Text author = by_list({.headers = "to:subject:date"});
  for (auto& field : author.fields) {
    if (has_name(field, "From")) field.value = " Boss <boss@other.example>";
  }
  CHECK(summary(judge(author, kTrusted, "_dmarc.other.example TXT \"v=DMARC1; p=reject\"\n")) ==
        "reject dmarc.reject, dmarc=fail, arc=pass");
}

TEST_CASE("the key of a trusted sealer that is not to be had keeps the message waiting") {
  const std::vector<ZoneFault> faults = {{"s._domainkey.late.example.edu", DnsFault::servfail}};
  const Text message = by_list({.domain = "late.example.edu"});
  const std::string trusted = "[[policy.trusted_sealer]]\ndomain = \"late.example.edu\"\n";
  CHECK(summary(judge(message, trusted, "", faults)) ==
        "tempfail arc.temperror, dmarc=fail, arc=fail");
  CHECK(summary(judge(message, kTrusted, "", faults)) ==
        "reject dmarc.reject, dmarc=fail, arc=fail");
}

TEST_CASE("a list that signs, by its List-Id") {
  const std::string policy =
      "[[policy.override]]\n"
      "list = { id = \"dev.example.org\", signed_by = \"example.org\" }\n"
      "dmarc_reject = \"quarantine\"\n";
  Text message = plain();
  for (auto& field : message.fields) {
    if (has_name(field, "From")) field.value = " Boss <boss@other.example>";
  }
  message.fields.push_back({"List-Id", " Developers <dev.example.org>"});
  const std::string other = "_dmarc.other.example TXT \"v=DMARC1; p=reject\"\n";
  const Text posted = dkim_test::sign(message, {dkim_test::signing_key("r")});
  CHECK(summary(judge(posted, policy, other)) ==
        "quarantine dmarc.reject (override 1), dmarc=fail, arc=none");
  CHECK(summary(judge(message, policy, other)) == "reject dmarc.reject, dmarc=fail, arc=none");
}
