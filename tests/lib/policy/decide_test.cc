#include <authmilter/policy.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "lib/policy/findings.h"

using namespace authmilter;
using namespace authmilter::policy_test;

namespace {

using S = SpfResult;
using D = DmarcResult;
using P = AssessmentPolicy;

std::string summary(const Decision& decision) {
  std::string text = std::string(to_string(decision.disposition)) + " " + rule_text(decision);
  if (decision.reply)
    text += " " + std::to_string(decision.reply->code) + " " + decision.reply->enhanced;
  return text;
}

PolicyConfig every_action(Disposition disposition) {
  PolicyConfig policy;
  for (const auto action : {&PolicyActions::spf_fail, &PolicyActions::spf_softfail,
                            &PolicyActions::spf_temperror, &PolicyActions::spf_permerror,
                            &PolicyActions::dmarc_reject, &PolicyActions::dmarc_quarantine,
                            &PolicyActions::dmarc_temperror, &PolicyActions::dmarc_permerror})
    policy.actions.*action = disposition;
  return policy;
}

}  // namespace

TEST_CASE("dispositions have names") {
  const struct {
    Disposition disposition;
    std::string_view name;
  } rows[] = {{Disposition::accept, "accept"},         {Disposition::tag, "tag"},
              {Disposition::quarantine, "quarantine"}, {Disposition::reject, "reject"},
              {Disposition::tempfail, "tempfail"},     {Disposition::discard, "discard"}};
  for (const auto& row : rows) CHECK(to_string(row.disposition) == row.name);
}

TEST_CASE("the defaults reject for DMARC and mark for SPF") {
  const struct {
    S spf;
    D dmarc;
    P policy;
    const char* decision;
  } rows[] = {
      // A pass ends it, whatever SPF says: forwarded mail that is signed (RFC 9989 section 4.4).
      {S::pass, D::pass, P::reject, "accept dmarc.pass"},
      {S::fail, D::pass, P::reject, "accept dmarc.pass"},
      {S::permerror, D::pass, P::none, "accept dmarc.pass"},
      // The Domain Owner's policy decides, and SPF for another domain changes nothing.
      {S::pass, D::fail, P::reject, "reject dmarc.reject 550 5.7.26"},
      {S::fail, D::fail, P::reject, "reject dmarc.reject 550 5.7.26"},
      {S::temperror, D::fail, P::reject, "reject dmarc.reject 550 5.7.26"},
      {S::pass, D::fail, P::quarantine, "quarantine dmarc.quarantine"},
      {S::fail, D::fail, P::quarantine, "quarantine dmarc.quarantine"},
      // p=none asks for nothing, so SPF's action counts.
      {S::pass, D::fail, P::none, "accept dmarc.none"},
      {S::none, D::fail, P::none, "accept dmarc.none"},
      {S::softfail, D::fail, P::none, "accept dmarc.none"},
      {S::fail, D::fail, P::none, "tag spf.fail"},
      // No policy at all.
      {S::pass, D::none, P::none, "accept default"},
      {S::none, D::none, P::none, "accept default"},
      {S::neutral, D::none, P::none, "accept default"},
      {S::softfail, D::none, P::none, "accept spf.softfail"},
      {S::temperror, D::none, P::none, "accept spf.temperror"},
      {S::permerror, D::none, P::none, "accept spf.permerror"},
      {S::fail, D::none, P::none, "tag spf.fail"},
      // DMARC in error.
      // RFC 9989 section 5.3.6 leaves the choice: the sender is asked to come again.
      {S::pass, D::temperror, P::none, "tempfail dmarc.temperror 451 4.7.0"},
      {S::fail, D::temperror, P::none, "tempfail dmarc.temperror 451 4.7.0"},
      {S::pass, D::temperror, P::reject, "tempfail dmarc.temperror 451 4.7.0"},
      {S::pass, D::temperror, P::quarantine, "tempfail dmarc.temperror 451 4.7.0"},
      {S::pass, D::permerror, P::none, "reject dmarc.permerror 550 5.7.1"},
      {S::fail, D::permerror, P::none, "reject dmarc.permerror 550 5.7.1"},
  };
  for (const auto& row : rows) {
    CAPTURE(to_string(row.spf));
    CAPTURE(to_string(row.dmarc));
    CAPTURE(to_string(row.policy));
    const auto decision = decide(findings(spf(row.spf), dmarc(row.dmarc, row.policy)), {});
    CHECK(summary(decision) == row.decision);
  }
}

TEST_CASE("each result has its reply (RFC 7372 section 3)") {
  const struct {
    S spf;
    D dmarc;
    P policy;
    const char* rejected;
    const char* deferred;
  } rows[] = {
      {S::fail, D::none, P::none, "reject spf.fail 550 5.7.23", "tempfail spf.fail 451 4.7.1"},
      {S::softfail, D::none, P::none, "reject spf.softfail 550 5.7.23",
       "tempfail spf.softfail 451 4.7.1"},
      {S::temperror, D::none, P::none, "reject spf.temperror 550 5.7.24",
       "tempfail spf.temperror 451 4.7.24"},
      {S::permerror, D::none, P::none, "reject spf.permerror 550 5.7.24",
       "tempfail spf.permerror 451 4.7.24"},
      {S::none, D::fail, P::reject, "reject dmarc.reject 550 5.7.26",
       "tempfail dmarc.reject 451 4.7.1"},
      {S::none, D::fail, P::quarantine, "reject dmarc.quarantine 550 5.7.26",
       "tempfail dmarc.quarantine 451 4.7.1"},
      {S::none, D::temperror, P::none, "reject dmarc.temperror 550 5.7.0",
       "tempfail dmarc.temperror 451 4.7.0"},
      {S::none, D::permerror, P::none, "reject dmarc.permerror 550 5.7.1",
       "tempfail dmarc.permerror 451 4.7.1"},
      {S::none, D::fail, P::none, "accept dmarc.none", "accept dmarc.none"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.rejected);
    const auto found = findings(spf(row.spf), dmarc(row.dmarc, row.policy));
    CHECK(summary(decide(found, every_action(Disposition::reject))) == row.rejected);
    CHECK(summary(decide(found, every_action(Disposition::tempfail))) == row.deferred);
    for (const auto silent :
         {Disposition::accept, Disposition::tag, Disposition::quarantine, Disposition::discard})
      CHECK_FALSE(decide(found, every_action(silent)).reply);
  }
}

TEST_CASE("of two actions the stricter one is taken") {
  // From left to right: what the message loses.
  const Disposition order[] = {Disposition::accept,   Disposition::tag,    Disposition::quarantine,
                               Disposition::tempfail, Disposition::reject, Disposition::discard};
  const auto found = findings(spf(S::fail), dmarc(D::temperror));
  for (const auto& dmarc_action : order) {
    for (const auto& spf_action : order) {
      PolicyConfig policy;
      policy.actions.spf_fail = spf_action;
      policy.actions.dmarc_temperror = dmarc_action;
      const auto decision = decide(found, policy);
      CAPTURE(to_string(spf_action));
      CAPTURE(to_string(dmarc_action));
      CHECK(decision.disposition == std::max(spf_action, dmarc_action, [&](auto a, auto b) {
              return std::find(std::begin(order), std::end(order), a) <
                     std::find(std::begin(order), std::end(order), b);
            }));
      // DMARC is named when both want the same.
      if (spf_action == dmarc_action) CHECK(decision.rule == Rule::dmarc_temperror);
    }
  }
}

TEST_CASE("the MAIL FROM identity decides for SPF (RFC 7208 section 2.4)") {
  auto found = findings(spf(S::pass), dmarc(D::none));
  found.spf.push_back(spf(S::fail, "host.sender.example", SpfIdentity::helo));
  CHECK(summary(decide(found, {})) == "accept default");
  std::swap(found.spf[0], found.spf[1]);
  CHECK(summary(decide(found, {})) == "accept default");
  found.spf.pop_back();
  CHECK(summary(decide(found, {})) == "tag spf.fail");
  found.spf.clear();
  CHECK(summary(decide(found, {})) == "accept default");
}

TEST_CASE("the policy one step down is the one that counts (RFC 9989 section 4.7, t=y)") {
  auto found = findings(spf(S::pass), dmarc(D::fail, P::quarantine));
  found.dmarc.published_policy = P::reject;
  found.dmarc.record.emplace().testing = true;
  CHECK(summary(decide(found, {})) == "quarantine dmarc.quarantine");
}

TEST_CASE("reasons and replies say who and why in fixed words") {
  const struct {
    std::string why;
    Findings found;
    const char* reason;
    const char* reply;
  } rows[] = {
      {"DMARC", findings(spf(S::fail), dmarc(D::fail, P::reject, "no-aligned-identifier")),
       "dmarc fail for author.example, policy reject: no-aligned-identifier",
       "Message refused by the DMARC policy of author.example: no aligned SPF or DKIM pass"},
      {"SPF", findings(spf(S::fail), dmarc(D::none)), "spf fail for sender.example",
       "SPF fail: sender.example does not authorize 192.0.2.66 to send its mail"},
      {"SPF record in error", findings(spf(S::permerror), dmarc(D::none)),
       "spf permerror for sender.example", "SPF record of sender.example is in error"},
      {"SPF and the DNS", findings(spf(S::temperror), dmarc(D::none)),
       "spf temperror for sender.example", "SPF of sender.example cannot be evaluated"},
      {"DMARC and the DNS", findings(spf(S::none), dmarc(D::temperror, P::none, "dns-timeout")),
       "dmarc temperror for author.example: dns-timeout",
       "DMARC policy of author.example cannot be looked up: dns-timeout"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto decision = decide(row.found, every_action(Disposition::reject));
    CHECK(decision.reason == row.reason);
    REQUIRE(decision.reply);
    CHECK(decision.reply->text == row.reply);
  }
  auto in_error = findings(spf(S::permerror), dmarc(D::none));
  in_error.spf[0].reason = {SpfReason::too_many_lookups, "11"};
  CHECK(decide(in_error, {}).reason == "spf permerror for sender.example: too-many-lookups");
  auto found = findings(spf(S::none), dmarc(D::permerror, P::none, "multiple-from-fields"));
  found.dmarc.author_domain.reset();
  const auto decision = decide(found, {});
  CHECK(decision.reason == "dmarc permerror: multiple-from-fields");
  CHECK(decision.reply->text ==
        "The From field names no single author domain: multiple-from-fields");
}

TEST_CASE("nothing that a sender wrote gets into a reason or a reply") {
  std::string longest;
  for (int i = 0; i < 4; ++i) longest += std::string(62, 'a') + ".";
  longest += "a";
  for (const char* detail :
       {"include:%n(\r\n250 ok]", "a)", "Free text", "a%b",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    for (const auto result : {S::fail, S::softfail, S::temperror, S::permerror}) {
      CAPTURE(detail);
      auto found = findings(spf(result, longest), dmarc(D::none));
      found.spf[0].reason = {SpfReason::syntax_error, detail};
      found.spf[0].explanation = "%see http://evil.example/";
      found.mail_from = parse_reverse_path("<a%n@evil.example>");
      const auto by_spf = decide(found, every_action(Disposition::reject));
      found.dmarc = dmarc(D::temperror, P::none);
      found.dmarc.reason = {DmarcReason::identifier_limit, detail};
      found.dmarc.author_domain = name(longest);
      const auto by_dmarc = decide(found, every_action(Disposition::reject));
      for (const Decision& decision : {by_spf, by_dmarc}) {
        for (const std::string& text : {decision.reason, decision.reply->text}) {
          CHECK(text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789 .:,'-_") == std::string::npos);
          CHECK(text.find("evil") == std::string::npos);
        }
        CHECK(decision.reply->text.size() <= 480);
      }
    }
  }
}

TEST_CASE("a Domain Owner who asks for nothing gets nothing (RFC 9989 section 4.7, p=none)") {
  // The policy is known, and an aligned identifier is undecided: whatever it was, mail is accepted.
  for (const auto action : {Disposition::tempfail, Disposition::reject, Disposition::quarantine}) {
    PolicyConfig policy;
    policy.actions.dmarc_temperror = action;
    auto found =
        findings(spf(S::temperror), dmarc(D::temperror, P::none, "aligned-identifier-temperror"));
    found.dmarc.policy_known = true;
    CHECK(summary(decide(found, policy)) == "accept dmarc.none");
    CHECK(decide(found, policy).reason ==
          "dmarc temperror for author.example, policy none: aligned-identifier-temperror");
    // SPF's own action counts, as beside every p=none.
    found.spf[0].result = S::fail;
    CHECK(summary(decide(found, policy)) == "tag spf.fail");
    // A policy that is not known is not none.
    found.dmarc.policy_known = false;
    CHECK(decide(found, policy).disposition == action);
  }
}

TEST_CASE("a temporary refusal names the lookup that failed, for who can mend it") {
  std::string longest;
  for (int i = 0; i < 4; ++i) longest += std::string(61, 'a') + ".";
  longest += "a";
  const struct {
    std::string why;
    bool known;
    const char* reason;
    const char* asked;
    DnsFault fault;
    const char* reply;
    const char* log;
  } rows[] = {
      {"the policy", false, "dns-timeout", "_dmarc.author.example", DnsFault::timeout,
       "DMARC policy of author.example cannot be looked up: _dmarc.author.example: dns-timeout; "
       "try again later",
       "dmarc temperror for author.example: dns-timeout, _dmarc.author.example: timeout"},
      {"a key", true, "aligned-identifier-temperror", "s1._domainkey.author.example",
       DnsFault::bogus,
       "DMARC of author.example cannot be evaluated: s1._domainkey.author.example: dnssec-bogus; "
       "try again later",
       "dmarc temperror for author.example: aligned-identifier-temperror, "
       "s1._domainkey.author.example: bogus"},
      {"a name that a macro of SPF made", true, "aligned-identifier-temperror",
       "a b%n\r\n.sender.example", DnsFault::servfail,
       "DMARC of author.example cannot be evaluated: aligned-identifier-temperror; "
       "try again later",
       "dmarc temperror for author.example: aligned-identifier-temperror"},
      {"a reason without a lookup", true, "identifier-limit", nullptr, DnsFault::none,
       "DMARC of author.example cannot be evaluated: identifier-limit; try again later",
       "dmarc temperror for author.example: identifier-limit"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto found = findings(spf(S::none), dmarc(D::temperror, P::reject, row.reason));
    found.dmarc.policy_known = row.known;
    if (row.asked != nullptr)
      found.dmarc.undecided_by = {{*DnsName::parse(row.asked), RrType::txt}, row.fault};
    const auto decision = decide(found, {});
    CHECK(summary(decision) == "tempfail dmarc.temperror 451 4.7.0");
    CHECK(decision.reply->text == row.reply);
    CHECK(decision.reason == row.log);
  }
  // The longest names: the sentence stays within a reply line (RFC 5321 section 4.5.3.1.5).
  auto found = findings(spf(S::none), dmarc(D::temperror, P::none, "dns-timeout"));
  found.dmarc.author_domain = name(longest);
  found.dmarc.undecided_by = {{*DnsName::parse(longest), RrType::txt}, DnsFault::timeout};
  CHECK(decide(found, {}).reply->text.size() <= 480);
  CHECK(decide(found, {}).reply->text.find(longest) != std::string::npos);
  // SPF has the same words.
  auto by_spf = findings(spf(S::temperror), dmarc(D::none));
  by_spf.spf[0].reason = Reason<SpfReason>(DnsFault::malformed);
  by_spf.spf[0].undecided_by = {{*DnsName::parse("mail.sender.example"), RrType::a},
                                DnsFault::malformed};
  PolicyConfig policy;
  policy.actions.spf_temperror = Disposition::tempfail;
  CHECK(decide(by_spf, policy).reply->text ==
        "SPF of sender.example cannot be evaluated: mail.sender.example: dns-malformed; try again "
        "later");
}
