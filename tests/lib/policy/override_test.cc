#include <authmilter/policy.h>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

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

std::vector<ReversePath> paths(const std::vector<std::string>& texts) {
  std::vector<ReversePath> list;
  for (const std::string& text : texts) list.push_back(parse_reverse_path(text));
  return list;
}

bool excused(const PolicyOverride& rule, const Findings& found) {
  PolicyConfig policy;
  policy.overrides = {rule};
  const auto decision = decide(found, policy);
  CHECK(rule_text(decision) ==
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
      {"another domain", "signer.example", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto rule = excuse();
    rule.author_domain = domains({row.pattern});
    CHECK(excused(rule, failure()) == row.author);
    auto found = failure();
    found.dmarc.author_domain.reset();
    CHECK_FALSE(excused(rule, found));
  }
}

TEST_CASE("what is not a pattern cannot be one") {
  // A star stands before a dot.
  for (const char* text : {"*author.example", "", "*.", "a b.example"})
    CHECK_FALSE(DomainPattern::parse(text));
  for (const char* text : {"", "<a@b.example>", "a@", "@*.b.example", "a@*.b.example"})
    CHECK_FALSE(AddressPattern::parse(text));
}

TEST_CASE("an override by signer wants a signature that passes") {
  auto rule = excuse();
  rule.dkim_domain = domains({"signer.example"});
  CHECK(excused(rule, failure()));
  rule.dkim_domain = domains({"broken.example"});
  CHECK_FALSE(excused(rule, failure()));
  rule.dkim_domain = domains({"broken.example", "signer.example"});
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
      // RFC 5321 section 4.1.1.3: a source route is ignored.
      {"source route", "sender.example", "<@evil.example:x@sender.example>", true},
      {"source route", "evil.example", "<@evil.example:x@sender.example>", false},
      {"source route", "x@sender.example", "<@evil.example,@b.example:x@sender.example>", true},
      // RFC 5321 section 4.1.2: quotes are no part of what a local part means.
      {"quoted without need", "user@sender.example", "<\"user\"@sender.example>", true},
      {"quoted in the pattern", "\"user\"@sender.example", "<user@sender.example>", true},
      {"escaped", "user@sender.example", "<\"us\\er\"@sender.example>", true},
      {"quoted with need", "\"a b\"@sender.example", "<\"a\\ b\"@sender.example>", true},
      {"another quoted", "\"a b\"@sender.example", "<\"a  b\"@sender.example>", false},
      {"dots as they are", "a..b@sender.example", "<a..b@sender.example>", true},
      {"dots as they are", "a.b@sender.example", "<a..b@sender.example>", false},
      {"no local part", "postmaster@sender.example", "<@sender.example>", false},
      {"not an address", "sender.example", "sender.example", false},
      {"quoted local part", "evil.example", "<\"x@sender.example\"@evil.example>", true},
      {"domain in a quoted local part", "sender.example", "<\"x@sender.example\"@evil.example>",
       false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto rule = excuse();
    rule.mail_from = addresses({row.pattern});
    auto found = failure();
    found.mail_from = parse_reverse_path(row.mail_from);
    CHECK(excused(rule, found) == row.matches);
  }
}

TEST_CASE("a milder override by recipient must hold for all of them") {
  auto rule = excuse();
  rule.recipient = addresses({"postmaster@example.org", "example.net"});
  const struct {
    std::string why;
    std::vector<std::string> recipients;
    bool matches;
  } rows[] = {
      {"one", {"<Postmaster@example.org>"}, true},
      {"each by its own pattern", {"<postmaster@example.org>", "<a@example.net>"}, true},
      {"one that is not exempt", {"<postmaster@example.org>", "<b@example.org>"}, false},
      {"one that cannot be read", {"<postmaster@example.org>", "<b@@>"}, false},
      {"one that has no domain", {"<postmaster@example.org>", "<postmaster>"}, false},
      {"nobody", {}, false},
      {"quoted", {"<\"postmaster\"@example.org>"}, true},
      {"by a source route", {"<@mx.example.org:postmaster@example.org>"}, true},
      {"by a source route to another", {"<@example.net:b@example.org>"}, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto found = failure();
    found.recipients = paths(row.recipients);
    CHECK(excused(rule, found) == row.matches);
  }
}

TEST_CASE("a stricter override by recipient holds if any of them matches (A223)") {
  PolicyConfig policy;
  policy.actions.dmarc_reject = Disposition::quarantine;
  PolicyOverride strict;
  strict.recipient = addresses({"ceo@example.org"});
  strict.actions.dmarc_reject = Disposition::reject;
  policy.overrides = {strict};
  const struct {
    std::string why;
    std::vector<std::string> recipients;
    const char* rule;
  } rows[] = {
      {"alone", {"<ceo@example.org>"}, "dmarc.reject (override 1)"},
      {"last of two", {"<a@example.org>", "<ceo@example.org>"}, "dmarc.reject (override 1)"},
      {"first of two", {"<ceo@example.org>", "<a@example.org>"}, "dmarc.reject (override 1)"},
      {"somebody else", {"<a@example.org>"}, "dmarc.reject"},
      {"quoted", {"<a@example.org>", "<\"c\\eo\"@example.org>"}, "dmarc.reject (override 1)"},
      {"by a source route", {"<@mx.example.net:ceo@example.org>"}, "dmarc.reject (override 1)"},
      // It may be anybody for the MTA that reads it in another way.
      {"an address literal", {"<ceo@[192.0.2.25]>"}, "dmarc.reject (override 1)"},
      {"a blank that an MTA drops", {"<ceo @example.org>"}, "dmarc.reject (override 1)"},
      {"above the limits", {"<a@example.org>", "?"}, "dmarc.reject (override 1)"},
      {"nobody", {}, "dmarc.reject"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto found = failure();
    found.recipients = paths(row.recipients);
    const auto decision = decide(found, policy);
    CHECK(rule_text(decision) == row.rule);
    CHECK((decision.disposition == Disposition::reject) ==
          (rule_text(decision) == "dmarc.reject (override 1)"));
  }
}

TEST_CASE("one override may be stricter in one thing and milder in another") {
  // What counts is what the message gets: for two recipients the stricter of their lots.
  PolicyOverride mixed;
  mixed.recipient = addresses({"archive@example.org"});
  mixed.actions.dmarc_reject = Disposition::accept;
  mixed.actions.spf_fail = Disposition::reject;
  PolicyConfig policy;
  policy.overrides = {mixed};
  auto by_dmarc = failure();
  auto by_spf = failure();
  by_spf.dmarc = dmarc(DmarcResult::none);
  const auto both = paths({"<archive@example.org>", "<a@example.org>"});
  const auto alone = paths({"<archive@example.org>"});
  by_dmarc.recipients = by_spf.recipients = alone;
  CHECK(decide(by_dmarc, policy).disposition == Disposition::accept);
  CHECK(decide(by_spf, policy).disposition == Disposition::reject);
  by_dmarc.recipients = by_spf.recipients = both;
  CHECK(rule_text(decide(by_dmarc, policy)) == "dmarc.reject");
  CHECK(decide(by_dmarc, policy).disposition == Disposition::reject);
  CHECK(rule_text(decide(by_spf, policy)) == "spf.fail (override 1)");
}

TEST_CASE("each recipient has the first override that is for it") {
  const auto rule = [](const std::vector<std::string>& recipients, Disposition disposition) {
    PolicyOverride made;
    made.recipient = addresses(recipients);
    made.actions.dmarc_reject = disposition;
    return made;
  };
  PolicyConfig policy;
  policy.overrides = {rule({"a@example.org"}, Disposition::accept),
                      rule({"b@example.org"}, Disposition::tag),
                      rule({"example.org"}, Disposition::quarantine),
                      rule({}, Disposition::tempfail), rule({"example.net"}, Disposition::discard)};
  const struct {
    std::vector<std::string> recipients;
    const char* decided;
  } rows[] = {
      {{"<a@example.org>"}, "accept 1"},
      {{"<a@example.org>", "<b@example.org>"}, "tag 2"},
      {{"<b@example.org>", "<a@example.org>"}, "tag 2"},
      {{"<a@example.org>", "<c@example.org>"}, "quarantine 3"},
      {{"<c@example.org>", "<x@example.net>"}, "tempfail 4"},
      {{"?"}, "tempfail 4"},
      {{}, "tempfail 4"},
  };
  for (const auto& row : rows) {
    auto found = failure();
    found.recipients = paths(row.recipients);
    const auto decision = decide(found, policy);
    const std::string told = std::string(to_string(decision.disposition)) + " " +
                             std::to_string(*decision.by_override + 1);
    CHECK(told == row.decided);
  }
}

TEST_CASE("every condition must hold") {
  auto rule = excuse();
  rule.author_domain = domains({"author.example"});
  rule.client = {*Network::parse("192.0.2.66")};
  rule.mail_from = addresses({"sender.example"});
  rule.recipient = addresses({"example.org"});
  rule.dkim_domain = domains({"signer.example"});
  CHECK(excused(rule, failure()));
  const auto without = [&](auto change) {
    auto found = failure();
    change(found);
    return excused(rule, found);
  };
  CHECK_FALSE(without([](Findings& found) { found.dmarc.author_domain = name("other.example"); }));
  CHECK_FALSE(without([](Findings& found) { found.client = IpAddress::parse("192.0.2.67"); }));
  CHECK_FALSE(
      without([](Findings& found) { found.mail_from = parse_reverse_path("<a@other.example>"); }));
  CHECK_FALSE(without(
      [](Findings& found) { found.recipients = {parse_reverse_path("<a@other.example>")}; }));
  CHECK_FALSE(without([](Findings& found) { found.dkim.pop_back(); }));
}

TEST_CASE("the first override that applies does so as a whole") {
  PolicyConfig policy;
  PolicyOverride other = excuse();
  other.author_domain = domains({"other.example"});
  PolicyOverride for_spf;
  for_spf.author_domain = domains({"author.example"});
  for_spf.actions.spf_fail = Disposition::accept;
  PolicyOverride late = excuse();
  late.author_domain = domains({"author.example"});
  policy.overrides = {other, for_spf, late};

  // The second applies but names no dmarc_reject, so [policy] decides; the third is not asked.
  const auto rejected = decide(failure(), policy);
  CHECK(rejected.disposition == Disposition::reject);
  CHECK(rule_text(rejected) == "dmarc.reject");

  auto found = failure();
  found.dmarc = dmarc(DmarcResult::none);
  const auto accepted = decide(found, policy);
  CHECK(accepted.disposition == Disposition::accept);
  CHECK(rule_text(accepted) == "spf.fail (override 2)");
}

TEST_CASE("an override may be stricter, but not against a DMARC pass") {
  PolicyOverride strict;
  strict.author_domain = domains({"author.example"});
  strict.actions.spf_fail = Disposition::reject;
  PolicyConfig policy;
  policy.overrides = {strict};
  auto found = failure();
  found.dmarc = dmarc(DmarcResult::none);
  CHECK(rule_text(decide(found, policy)) == "spf.fail (override 1)");
  CHECK(decide(found, policy).disposition == Disposition::reject);
  found.dmarc = dmarc(DmarcResult::pass, AssessmentPolicy::reject);
  CHECK(decide(found, policy).disposition == Disposition::accept);
  CHECK(rule_text(decide(found, policy)) == "dmarc.pass");
}
