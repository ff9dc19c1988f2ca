#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/policy/findings.h"

using namespace authmilter;
using namespace authmilter::policy_test;

namespace {

/// What the newest hop says, each part of which a test can spoil.
struct Newest {
  std::string sealer = "lists.example.edu";
  std::string signer = "lists.example.edu";
  bool from_signed = true;
  std::string results = " mx.lists.example.edu; dmarc=pass header.from=author.example";
};

ArcHop hop(const Newest& newest) {
  ArcHop made{.sealer = name(newest.sealer),
              .selector = name("s"),
              .message_signer = name(newest.signer),
              .from_signed = newest.from_signed};
  if (auto read = parse_authentication_results(newest.results)) made.results = *read;
  return made;
}

/// A forged-looking message under p=reject with a chain of these hops that validates.
Findings sealed_by(const std::vector<Newest>& hops) {
  auto found = findings(spf(SpfResult::fail), dmarc(DmarcResult::fail, AssessmentPolicy::reject));
  for (const Newest& one : hops) found.arc.hops.push_back(hop(one));
  found.arc.result = ArcResult::pass;
  found.arc.oldest_pass = 0;
  return found;
}

PolicyConfig trusting(TrustedSealer sealer) {
  PolicyConfig policy;
  policy.trusted_sealers = {std::move(sealer)};
  return policy;
}
PolicyConfig trusting() { return trusting({.domain = name("lists.example.edu")}); }

std::string word(const Findings& found, const PolicyConfig& policy = trusting()) {
  return std::string(to_string(sealed_word(found, policy).trust));
}

/// "accept arc.trusted".
std::string decided(const Findings& found, const PolicyConfig& policy) {
  const Decision decision = decide(found, policy);
  return std::string(to_string(decision.disposition)) + " " + rule_text(decision);
}

}  // namespace

TEST_CASE("whose word about a message counts (A128, A129, A187)") {
  const std::string id = " mx.lists.example.edu; ";
  const struct {
    std::string why;
    Findings found;
    std::string want;
  } rows[] = {
      {"a trusted sealer that saw this author pass", sealed_by({{}}), "holds"},
      {"whoever was there before him", sealed_by({{.sealer = "stranger.example"}, {}}), "holds"},
      {"A128: a stranger's seal, with results that he wrote himself",
       sealed_by({{.sealer = "stranger.example", .signer = "stranger.example"}}),
       "sealer-not-trusted"},
      {"A128: a host of the trusted domain is not the domain",
       sealed_by({{.sealer = "a.lists.example.edu", .signer = "a.lists.example.edu"}}),
       "sealer-not-trusted"},
      {"A187: an untrusted hop behind the trusted one",
       sealed_by({{}, {.sealer = "stranger.example", .signer = "stranger.example"}}),
       "sealer-not-trusted"},
      {"A129: he sealed what had failed",
       sealed_by({{.results = id + "dmarc=fail header.from=author.example"}}),
       "author-did-not-pass"},
      {"he saw another author pass",
       sealed_by({{.results = id + "dmarc=pass header.from=attack.example"}}),
       "author-did-not-pass"},
      {"he saw the author's parent pass",
       sealed_by({{.results = id + "dmarc=pass header.from=example"}}), "author-did-not-pass"},
      {"two authors, one of whom passed",
       sealed_by({{.results = id + "dmarc=pass header.from=author.example; "
                                   "dmarc=fail header.from=attack.example"}}),
       "author-did-not-pass"},
      {"two authors in one result",
       sealed_by({{.results = id + "dmarc=pass header.from=author.example "
                                   "header.from=attack.example"}}),
       "author-did-not-pass"},
      {"no author", sealed_by({{.results = id + "dmarc=pass"}}), "author-did-not-pass"},
      {"the author as a property of another kind",
       sealed_by({{.results = id + "dmarc=pass smtp.from=author.example"}}), "author-did-not-pass"},
      {"DKIM and SPF passed, and DMARC is not mentioned",
       sealed_by({{.results = id + "dkim=pass header.d=author.example"}}), "no-results"},
      {"results that nobody can read", sealed_by({{.results = id + "dmarc"}}), "no-results"},
      {"a trusted seal around another's message signature",
       sealed_by({{.signer = "stranger.example"}}), "other-signer"},
      {"a message signature that leaves From out", sealed_by({{.from_signed = false}}),
       "from-not-signed"},
      {"no chain", findings(spf(SpfResult::fail), dmarc(DmarcResult::fail)), "no-chain"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(word(row.found) == row.want);
    const bool holds = row.want == "holds";
    CHECK(decided(row.found, trusting()) == (holds                    ? "accept arc.trusted"
                                             : row.want == "no-chain" ? "tag spf.fail"
                                                                      : "reject dmarc.reject"));
    CHECK(decide(row.found, {}).rule != Rule::arc_trusted);  // nobody is trusted by default
  }
}

TEST_CASE("the chain has to validate, and the message to be what it covers (A131, A135)") {
  Findings found = sealed_by({{}});
  found.arc.result = ArcResult::fail;
  found.arc.reason = ArcReason::body_hash_mismatch;  // his old chain on new content
  CHECK(word(found) == "chain-failed");
  CHECK(decided(found, trusting()) == "reject dmarc.reject");
  found = sealed_by({{}});
  found.arc.added_fields = {"subject"};
  CHECK(word(found) == "added-fields");
  CHECK(decided(found, trusting()) == "reject dmarc.reject");
  found = sealed_by({{}});
  found.dmarc.author_domain.reset();
  CHECK(word(found) == "author-did-not-pass");
  // A chain whose fields make none has no hops.
  found.arc.hops.clear();
  found.arc.result = ArcResult::fail;
  CHECK(word(found) == "chain-failed");
}

TEST_CASE("a sealer may be trusted from his own networks only") {
  const auto policy = trusting(
      {.domain = name("lists.example.edu"), .networks = {*Network::parse("192.0.2.0/26")}});
  Findings found = sealed_by({{}});
  CHECK(word(found, policy) == "other-network");
  CHECK(decided(found, policy) == "reject dmarc.reject");
  found.client = IpAddress::parse("192.0.2.1");
  CHECK(word(found, policy) == "holds");
  CHECK(decided(found, policy) == "accept arc.trusted");
  found.client.reset();
  CHECK(word(found, policy) == "other-network");
}

TEST_CASE("a sealer's word may hold for a time only") {
  const auto policy =
      trusting({.domain = name("lists.example.edu"), .max_age = std::chrono::hours{14 * 24}});
  constexpr std::int64_t kFourteenDays = std::int64_t{14} * 24 * 60 * 60;
  const struct {
    std::string why;
    std::optional<std::int64_t> age;
    std::string want;
  } rows[] = {
      {"just sealed", 0, "holds"},
      {"to the second", kFourteenDays, "holds"},
      {"a second more", kFourteenDays + 1, "too-old"},
      {"nobody knows when", std::nullopt, "too-old"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Findings found = sealed_by({{}});
    found.arc.age = row.age;
    CHECK(word(found, policy) == row.want);
    CHECK(word(found) == "holds");  // without a limit
  }
}

TEST_CASE("while the DNS does not say whether the chain holds, the message waits") {
  Findings found = sealed_by({{}});
  found.arc.result = ArcResult::fail;
  found.arc.reason = Reason<ArcReason>(DnsFault::timeout);
  found.arc.undecided_by = FailedLookup{
      {*DnsName::parse("s._domainkey.lists.example.edu"), RrType::txt}, DnsFault::timeout};
  CHECK(word(found) == "undecided");
  const Decision decision = decide(found, trusting());
  CHECK(decision.disposition == Disposition::tempfail);
  CHECK(rule_text(decision) == "arc.temperror");
  CHECK_FALSE(decision.override_reason);
  CHECK(decision.reason ==
        "arc undecided, sealed by lists.example.edu: dns-timeout, "
        "s._domainkey.lists.example.edu: timeout");
  REQUIRE(decision.reply);
  CHECK(decision.reply->enhanced == "4.7.0");
  CHECK(decision.reply->text ==
        "ARC seal of lists.example.edu cannot be validated: "
        "s._domainkey.lists.example.edu: dns-timeout; try again later");
  // What would not be his word anyhow does not wait, and what is only held need not.
  found.arc.hops.back().from_signed = false;
  CHECK(decided(found, trusting()) == "reject dmarc.reject");
  found.arc.hops.back().from_signed = true;
  found.dmarc.policy = AssessmentPolicy::quarantine;
  CHECK(decided(found, trusting()) == "quarantine dmarc.quarantine");
}

TEST_CASE("his word sets aside what is configured, and an override comes first") {
  const auto with = [](Disposition reject, Disposition quarantine) {
    return trusting({.domain = name("lists.example.edu"),
                     .dmarc_reject = reject,
                     .dmarc_quarantine = quarantine});
  };
  Findings reject = sealed_by({{}});
  Findings hold = reject;
  hold.dmarc.policy = AssessmentPolicy::quarantine;
  CHECK(decided(reject, with(Disposition::tag, Disposition::accept)) == "tag arc.trusted");
  CHECK(decided(hold, with(Disposition::tag, Disposition::accept)) == "accept arc.trusted");
  CHECK(decided(reject, with(Disposition::quarantine, Disposition::quarantine)) ==
        "quarantine arc.trusted");
  CHECK(decided(hold, with(Disposition::quarantine, Disposition::quarantine)) ==
        "quarantine dmarc.quarantine");

  PolicyConfig policy = trusting();
  PolicyOverride strict;
  strict.author_domain = domains({"author.example"});
  strict.actions.dmarc_reject = Disposition::reject;
  policy.overrides = {strict};
  CHECK(decided(reject, policy) == "reject dmarc.reject (override 1)");
  CHECK(decided(hold, policy) == "accept arc.trusted");  // which it does not name

  // Where DMARC passes, or asks for nothing, nobody's word is needed.
  Findings good = reject;
  good.dmarc.result = DmarcResult::pass;
  CHECK(decided(good, trusting()) == "accept dmarc.pass");
  Findings mild = reject;
  mild.dmarc.policy = AssessmentPolicy::none;
  CHECK(decided(mild, trusting()) == "tag spf.fail");
}

TEST_CASE("a report says why DMARC's policy was not followed (RFC 9990)") {
  Findings found = sealed_by({{}});
  Decision decision = decide(found, trusting());
  CHECK(decision.trusted_sealer == name("lists.example.edu"));
  CHECK(decision.override_reason == OverrideReason::trusted_forwarder);
  CHECK(to_string(*decision.override_reason) == "trusted_forwarder");
  CHECK(decision.reason ==
        "dmarc fail for author.example, policy reject, but sealed by lists.example.edu as dmarc "
        "pass");
  decision = decide(found, {});
  CHECK_FALSE(decision.trusted_sealer);
  CHECK_FALSE(decision.override_reason);
}

TEST_CASE("an override by List-Id needs a DKIM pass of the domain named for the list") {
  PolicyOverride rule;
  rule.list = {{name("dev.lists.example.net"), name("lists.example.net")}};
  rule.actions.dmarc_reject = Disposition::quarantine;
  PolicyConfig policy;
  policy.overrides = {rule};
  const auto from_list = [](const char* id, const std::vector<DkimOutcome>& signatures) {
    auto found = findings(spf(SpfResult::pass), dmarc(DmarcResult::fail, AssessmentPolicy::reject));
    if (*id != '\0') found.list_id = name(id);
    found.dkim = signatures;
    return found;
  };
  const auto over_list_id = [](DkimResult result, const char* domain) {
    auto signature = dkim(result, domain);
    signature.covers_list_id = true;
    return signature;
  };
  const auto pass = over_list_id(DkimResult::pass, "lists.example.net");
  const char* id = "dev.lists.example.net";
  const struct {
    std::string why;
    Findings found;
    std::string want;
  } rows[] = {
      {"the list", from_list(id, {pass}), "quarantine dmarc.reject (override 1)"},
      {"beside the author's broken signature",
       from_list(id, {dkim(DkimResult::fail, "author.example"), pass}),
       "quarantine dmarc.reject (override 1)"},
      {"its name alone, which anybody can write", from_list(id, {}), "reject dmarc.reject"},
      {"a signature that does not cover it: whoever got hold of the message has put it there",
       from_list(id, {dkim(DkimResult::pass, "lists.example.net")}), "reject dmarc.reject"},
      {"beside a stranger's that does",
       from_list(id, {dkim(DkimResult::pass, "lists.example.net"),
                      over_list_id(DkimResult::pass, "attack.example")}),
       "reject dmarc.reject"},
      {"beside one of the domain that does, and fails",
       from_list(id, {dkim(DkimResult::pass, "lists.example.net"),
                      over_list_id(DkimResult::fail, "lists.example.net")}),
       "reject dmarc.reject"},
      {"one that covers a part of the body",
       from_list(id, {over_list_id(DkimResult::policy, "lists.example.net")}),
       "reject dmarc.reject"},
      {"A367: one whose key is not to be had",
       from_list(id, {over_list_id(DkimResult::temperror, "lists.example.net")}),
       "tempfail override.temperror (override 1)"},
      {"beside the author's, broken",
       from_list(id, {dkim(DkimResult::fail, "author.example"),
                      over_list_id(DkimResult::temperror, "lists.example.net")}),
       "tempfail override.temperror (override 1)"},
      {"one that does not cover it",
       from_list(id, {dkim(DkimResult::temperror, "lists.example.net")}), "reject dmarc.reject"},
      {"a stranger's whose key is not to be had",
       from_list(id, {over_list_id(DkimResult::temperror, "attack.example")}),
       "reject dmarc.reject"},
      {"one for another list",
       from_list("other.lists.example.net",
                 {over_list_id(DkimResult::temperror, "lists.example.net")}),
       "reject dmarc.reject"},
      {"beside one that passes",
       from_list(id, {pass, over_list_id(DkimResult::temperror, "lists.example.net")}),
       "quarantine dmarc.reject (override 1)"},
      {"a signature that fails",
       from_list(id, {over_list_id(DkimResult::fail, "lists.example.net")}), "reject dmarc.reject"},
      {"a stranger's signature", from_list(id, {over_list_id(DkimResult::pass, "attack.example")}),
       "reject dmarc.reject"},
      {"a signature of a host of the domain",
       from_list(id, {over_list_id(DkimResult::pass, "a.lists.example.net")}),
       "reject dmarc.reject"},
      {"another list of the same signer", from_list("other.lists.example.net", {pass}),
       "reject dmarc.reject"},
      {"no list", from_list("", {pass}), "reject dmarc.reject"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(decided(row.found, policy) == row.want);
  }
  CHECK(decide(rows[0].found, policy).override_reason == OverrideReason::mailing_list);
  CHECK_FALSE(decide(rows[2].found, policy).override_reason);

  // Beside a condition that many share, and beyond the first.
  PolicyOverride other = rule;
  other.list = {{name("a.lists.example.net"), name("lists.example.net")},
                {name("other.lists.example.net"), name("lists.example.net")}};
  other.author_domain = domains({"author.example"});
  other.actions.dmarc_reject = Disposition::tag;
  policy.overrides = {rule, other};
  CHECK(decided(from_list("other.lists.example.net", {pass}), policy) ==
        "tag dmarc.reject (override 2)");

  PolicyOverride by_author;
  by_author.author_domain = domains({"author.example"});
  by_author.actions.dmarc_reject = Disposition::tag;
  policy.overrides = {by_author};
  CHECK(decide(rows[0].found, policy).override_reason == OverrideReason::local_policy);
}

TEST_CASE("while the DNS does not say whether an override's signature holds, the message waits") {
  const auto signature = [](DkimResult result) {
    auto one = dkim(result, "lists.example.net");
    one.covers_list_id = true;
    one.reason = Reason<DkimReason>(DnsFault::timeout);
    one.undecided_by = FailedLookup{
        {*DnsName::parse("s1._domainkey.lists.example.net"), RrType::txt}, DnsFault::timeout};
    return one;
  };
  auto found = findings(spf(SpfResult::fail), dmarc(DmarcResult::fail, AssessmentPolicy::reject));
  found.list_id = name("dev.lists.example.net");
  found.dkim = {dkim(DkimResult::temperror, "attack.example"), signature(DkimResult::temperror)};
  PolicyOverride by_list;
  by_list.list = {{name("dev.lists.example.net"), name("lists.example.net")}};
  by_list.actions.dmarc_reject = Disposition::accept;
  by_list.actions.dmarc_quarantine = Disposition::accept;
  const auto with = [](std::initializer_list<PolicyOverride> overrides) {
    PolicyConfig policy;
    policy.overrides = overrides;
    return policy;
  };

  const Decision decision = decide(found, with({by_list}));
  CHECK(decision.disposition == Disposition::tempfail);
  CHECK(rule_text(decision) == "override.temperror (override 1)");
  CHECK_FALSE(decision.override_reason);
  CHECK(decision.reason ==
        "dkim undecided, signed by lists.example.net: dns-timeout, "
        "s1._domainkey.lists.example.net: timeout");
  REQUIRE(decision.reply);
  CHECK(decision.reply->code == 451);
  CHECK(decision.reply->enhanced == "4.7.0");
  CHECK(decision.reply->text ==
        "Signature of lists.example.net cannot be validated: "
        "s1._domainkey.lists.example.net: dns-timeout; try again later");
  PolicyConfig lost = with({by_list});
  lost.actions.dmarc_reject = Disposition::discard;
  CHECK(decided(found, lost) == "tempfail override.temperror (override 1)");

  // A condition on the signer is such evidence too.
  PolicyOverride by_signer;
  by_signer.dkim_domain = domains({"lists.example.net"});
  by_signer.actions.dmarc_reject = Disposition::tag;
  CHECK(decided(found, with({by_signer})) == "tempfail override.temperror (override 1)");

  // An override that would be as strict is not worth the wait, and neither is one behind another
  // that applies, one whose other conditions do not hold, and one that does not name the action.
  PolicyOverride strict = by_list;
  strict.actions.dmarc_reject = Disposition::reject;
  CHECK(decided(found, with({strict, by_signer})) == "reject dmarc.reject");
  PolicyOverride by_author;
  by_author.author_domain = domains({"author.example"});
  by_author.actions.dmarc_reject = Disposition::reject;
  CHECK(decided(found, with({by_author, by_list})) == "reject dmarc.reject (override 1)");
  CHECK(decided(found, with({by_list, by_author})) == "tempfail override.temperror (override 1)");
  PolicyOverride elsewhere = by_list;
  elsewhere.author_domain = domains({"other.example"});
  CHECK(decided(found, with({elsewhere})) == "reject dmarc.reject");
  PolicyOverride unnamed = by_list;
  unnamed.actions.dmarc_reject.reset();
  CHECK(decided(found, with({unnamed})) == "reject dmarc.reject");

  // One recipient for whom it would be refused in any case is enough (RFC 5321: one reply for all).
  PolicyOverride for_one = by_list;
  for_one.recipient = addresses({"a@home.example"});
  found.recipients = {parse_reverse_path("<a@home.example>")};
  CHECK(decided(found, with({for_one})) == "tempfail override.temperror (override 1)");
  found.recipients.push_back(parse_reverse_path("<b@home.example>"));
  CHECK(decided(found, with({for_one})) == "reject dmarc.reject");
  found.recipients.clear();

  // What is milder than waiting stays, and so does what DMARC has no part in.
  Findings held = found;
  held.dmarc.policy = AssessmentPolicy::quarantine;
  CHECK(decided(held, with({by_list})) == "quarantine dmarc.quarantine");
  Findings mild = found;
  mild.dmarc.policy = AssessmentPolicy::none;
  CHECK(decided(mild, with({by_list})) == "tag spf.fail");
  Findings good = found;
  good.dmarc.result = DmarcResult::pass;
  CHECK(decided(good, with({by_list})) == "accept dmarc.pass");
}
