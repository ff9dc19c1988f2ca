#include <authmilter/policy.h>

#include <doctest/doctest.h>

#include <string>

#include "lib/policy/findings.h"

using namespace authmilter;
using namespace authmilter::policy_test;

namespace {

/// A DMARC failure with p=reject that an override may excuse.
Findings failure() {
  auto found = findings(spf(SpfResult::fail), dmarc(DmarcResult::fail, AssessmentPolicy::reject));
  found.dkim = {dkim(DkimResult::fail, "broken.example"), dkim(DkimResult::pass)};
  return found;
}

PolicyOverride excuse() {
  PolicyOverride rule;
  rule.actions.dmarc_reject = Disposition::tag;
  return rule;
}

bool excused(const PolicyOverride& rule, const Findings& found) {
  PolicyConfig policy;
  policy.overrides = {rule};
  const auto decision = decide(found, policy);
  CHECK(decision.rule ==
        (decision.disposition == Disposition::tag ? "dmarc.reject (override 1)" : "dmarc.reject"));
  return decision.disposition == Disposition::tag;
}

}  // namespace

TEST_CASE("an override by domain") {
  const struct {
    std::string why;
    std::string pattern;
    bool author;  // matches author.example below
  } rows[] = {
      {"the domain itself", "author.example", true},
      {"not what is below the pattern's star", "*.author.example", false},
      {"below a star", "*.example", true},
      {"a domain does not hold its subdomains", "example", false},
      {"labels, not letters", "thor.example", false},
      {"a star stands before a dot", "*author.example", false},
      {"another domain", "signer.example", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto rule = excuse();
    rule.author_domain = {row.pattern};
    CHECK(excused(rule, failure()) == row.author);
    auto found = failure();
    found.dmarc.author_domain.reset();
    CHECK_FALSE(excused(rule, found));
  }
}

TEST_CASE("an override by signer wants a signature that passes") {
  auto rule = excuse();
  rule.dkim_domain = {"signer.example"};
  CHECK(excused(rule, failure()));
  rule.dkim_domain = {"broken.example"};
  CHECK_FALSE(excused(rule, failure()));
  rule.dkim_domain = {"broken.example", "signer.example"};
  CHECK(excused(rule, failure()));
  auto unsigned_message = failure();
  unsigned_message.dkim.clear();
  CHECK_FALSE(excused(rule, unsigned_message));
}

TEST_CASE("an override by client") {
  auto rule = excuse();
  rule.client = {*Network::parse("198.51.100.0/24"), *Network::parse("192.0.2.0/24")};
  CHECK(excused(rule, failure()));
  rule.client = {*Network::parse("198.51.100.0/24")};
  CHECK_FALSE(excused(rule, failure()));
  auto local = failure();
  local.client.reset();
  rule.client = {*Network::parse("0.0.0.0/0"), *Network::parse("::/0")};
  CHECK_FALSE(excused(rule, local));
}

TEST_CASE("an override by reverse-path") {
  const struct {
    std::string why;
    const char* pattern;
    const char* mail_from;
    bool matches;
  } rows[] = {
      {"address", "user@sender.example", "<user@sender.example>", true},
      {"without brackets", "user@sender.example", "user@sender.example", true},
      {"case of the domain", "user@sender.example", "<user@Sender.EXAMPLE>", true},
      {"case of the mailbox", "user@sender.example", "<USER@sender.example>", true},
      {"another mailbox", "user@sender.example", "<user2@sender.example>", false},
      {"every mailbox", "@sender.example", "<x@sender.example>", true},
      {"every mailbox, not of subdomains", "@sender.example", "<x@a.sender.example>", false},
      {"domain", "sender.example", "<x@sender.example>", true},
      {"below a domain", "*.sender.example", "<x@a.sender.example>", true},
      {"the domain is not below itself", "*.sender.example", "<x@sender.example>", false},
      {"null reverse-path", "<>", "<>", true},
      {"null reverse-path without brackets", "<>", "", true},
      {"a sender is not null", "<>", "<x@sender.example>", false},
      {"null is no sender", "sender.example", "<>", false},
      {"two domains in one address", "sender.example", "<x@sender.example@evil.example>", false},
      {"source route", "sender.example", "<@evil.example:x@sender.example>", false},
      {"not an address", "sender.example", "sender.example", false},
      {"quoted local part", "evil.example", "<\"x@sender.example\"@evil.example>", true},
      {"domain in a quoted local part", "sender.example", "<\"x@sender.example\"@evil.example>",
       false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto rule = excuse();
    rule.mail_from = {row.pattern};
    auto found = failure();
    found.mail_from = row.mail_from;
    CHECK(excused(rule, found) == row.matches);
  }
}

TEST_CASE("an override by recipient must hold for all of them") {
  auto rule = excuse();
  rule.recipient = {"postmaster@example.org", "example.net"};
  const struct {
    std::string why;
    std::vector<std::string> recipients;
    bool matches;
  } rows[] = {
      {"one", {"<Postmaster@example.org>"}, true},
      {"each by its own pattern", {"<postmaster@example.org>", "<a@example.net>"}, true},
      {"one that is not exempt", {"<postmaster@example.org>", "<b@example.org>"}, false},
      {"one that cannot be read", {"<postmaster@example.org>", "<b@@>"}, false},
      {"nobody", {}, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto found = failure();
    found.recipients = row.recipients;
    CHECK(excused(rule, found) == row.matches);
  }
}

TEST_CASE("every condition must hold") {
  auto rule = excuse();
  rule.author_domain = {"author.example"};
  rule.client = {*Network::parse("192.0.2.66")};
  rule.mail_from = {"sender.example"};
  rule.recipient = {"example.org"};
  rule.dkim_domain = {"signer.example"};
  CHECK(excused(rule, failure()));
  const auto without = [&](auto change) {
    auto found = failure();
    change(found);
    return excused(rule, found);
  };
  CHECK_FALSE(without([](Findings& found) { found.dmarc.author_domain = name("other.example"); }));
  CHECK_FALSE(without([](Findings& found) { found.client = IpAddress::parse("192.0.2.67"); }));
  CHECK_FALSE(without([](Findings& found) { found.mail_from = "<a@other.example>"; }));
  CHECK_FALSE(without([](Findings& found) { found.recipients = {"<a@other.example>"}; }));
  CHECK_FALSE(without([](Findings& found) { found.dkim.pop_back(); }));
}

TEST_CASE("the first override that applies does so as a whole") {
  PolicyConfig policy;
  PolicyOverride other = excuse();
  other.author_domain = {"other.example"};
  PolicyOverride for_spf;
  for_spf.author_domain = {"author.example"};
  for_spf.actions.spf_fail = Disposition::accept;
  PolicyOverride late = excuse();
  late.author_domain = {"author.example"};
  policy.overrides = {other, for_spf, late};

  // The second applies but names no dmarc_reject, so [policy] decides; the third is not asked.
  const auto rejected = decide(failure(), policy);
  CHECK(rejected.disposition == Disposition::reject);
  CHECK(rejected.rule == "dmarc.reject");

  auto found = failure();
  found.dmarc = dmarc(DmarcResult::none);
  const auto accepted = decide(found, policy);
  CHECK(accepted.disposition == Disposition::accept);
  CHECK(accepted.rule == "spf.fail (override 2)");
}

TEST_CASE("an override may be stricter, but not against a DMARC pass") {
  PolicyOverride strict;
  strict.author_domain = {"author.example"};
  strict.actions.spf_fail = Disposition::reject;
  PolicyConfig policy;
  policy.overrides = {strict};
  auto found = failure();
  found.dmarc = dmarc(DmarcResult::none);
  CHECK(decide(found, policy).rule == "spf.fail (override 1)");
  CHECK(decide(found, policy).disposition == Disposition::reject);
  found.dmarc = dmarc(DmarcResult::pass, AssessmentPolicy::reject);
  CHECK(decide(found, policy).disposition == Disposition::accept);
  CHECK(decide(found, policy).rule == "dmarc.pass");
}
