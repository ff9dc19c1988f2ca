#include <authmilter/report_row.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <authmilter/message_record.h>
#include <authmilter/reports_config.h>

#include "lib/policy/findings.h"
#include "rows/row_text.h"

namespace authmilter {
namespace {

using policy_test::dkim;
using policy_test::name;
using policy_test::spf;

constexpr std::int64_t kNoon = 20'000 * kDaySeconds + 43'200;

/// What "p=reject t=y" says of the record, and of what applies.
struct Published {
  AssessmentPolicy p = AssessmentPolicy::none;
  bool testing = false;
};

AssessmentPolicy lowered(const Published& published) {
  if (!published.testing || published.p == AssessmentPolicy::none) return published.p;
  return published.p == AssessmentPolicy::reject ? AssessmentPolicy::quarantine
                                                 : AssessmentPolicy::none;
}

Findings findings_of(DmarcResult result, const Published& published) {
  DmarcOutcome dmarc = policy_test::dmarc(result, published.p);
  dmarc.policy = lowered(published);
  dmarc.policy_known = true;
  dmarc.organizational_domain = dmarc.author_domain;
  if (result != DmarcResult::none) {
    dmarc.policy_domain = dmarc.author_domain;
    dmarc.record.emplace();
    dmarc.record->p = published.p;
    dmarc.record->testing = published.testing;
    dmarc.record->rua.addresses = {{"dmarc@author.example", name("author.example")}};
  }
  if (result == DmarcResult::pass) dmarc.dkim_aligned = true;
  return policy_test::findings(spf(SpfResult::pass), dmarc);
}

MessageRecord record_of(const Findings& findings, const PolicyConfig& policy = {},
                        VerifyMode mode = VerifyMode::enforce) {
  MessageVerdict verdict;
  verdict.findings = findings;
  verdict.decision = decide(findings, policy);
  verdict.disposition = verdict.decision.disposition;
  if (mode == VerifyMode::monitor) verdict.disposition = Disposition::accept;
  MessageRecord record;
  record.received = kNoon;
  record.result = verdict;
  return record;
}

/// "quarantine policy_test_mode, local_policy (monitor mode)"
std::string evaluated(const ReportRow& row) {
  std::string text(to_string(row.record.disposition));
  for (const PolicyOverrideReason& reason : row.record.reasons) {
    text += &reason == &row.record.reasons.front() ? " " : ", ";
    text += to_string(reason.type);
    if (!reason.comment.empty()) text += " (" + reason.comment + ")";
  }
  return text;
}

PolicyConfig with_actions(Disposition reject, Disposition quarantine) {
  PolicyConfig policy;
  policy.actions.dmarc_reject = reject;
  policy.actions.dmarc_quarantine = quarantine;
  return policy;
}

PolicyConfig with_override(std::vector<MailingList> lists, Disposition instead) {
  PolicyConfig policy;
  PolicyOverride rule;
  if (lists.empty()) rule.author_domain = policy_test::domains({"author.example"});
  rule.list = std::move(lists);
  rule.actions.dmarc_reject = instead;
  policy.overrides = std::vector<PolicyOverride>{rule};
  return policy;
}

}  // namespace

TEST_CASE("disposition and reasons of a row (RFC 9990 section 3.1.1)") {
  using D = Disposition;
  using P = AssessmentPolicy;
  using R = DmarcResult;
  constexpr VerifyMode kEnforce = VerifyMode::enforce;
  constexpr VerifyMode kMonitor = VerifyMode::monitor;
  const PolicyConfig plain;
  const struct {
    const char* why;
    R result;
    Published published;
    const PolicyConfig& policy;
    VerifyMode mode;
    const char* want;
  } rows[] = {
      {"a pass under an enforcing policy", R::pass, {P::reject}, plain, kEnforce, "pass"},
      {"a pass under p=quarantine", R::pass, {P::quarantine}, plain, kEnforce, "pass"},
      {"a pass under p=none is none", R::pass, {P::none}, plain, kEnforce, "none"},
      {"as published, whatever t says", R::pass, {P::quarantine, true}, plain, kEnforce, "pass"},
      {"monitor mode has nothing to do with a pass", R::pass, {P::reject}, plain, kMonitor, "pass"},
      {"followed", R::fail, {P::reject}, plain, kEnforce, "reject"},
      {"followed", R::fail, {P::quarantine}, plain, kEnforce, "quarantine"},
      {"p=none asks for nothing", R::fail, {P::none}, plain, kEnforce, "none"},
      {"t=y: one step lower",
       R::fail,
       {P::reject, true},
       plain,
       kEnforce,
       "quarantine policy_test_mode"},
      {"t=y: one step lower",
       R::fail,
       {P::quarantine, true},
       plain,
       kEnforce,
       "none policy_test_mode"},
      {"t=y has no effect on none", R::fail, {P::none, true}, plain, kEnforce, "none"},
      {"monitor mode", R::fail, {P::reject}, plain, kMonitor, "none local_policy (monitor mode)"},
      {"t=y and monitor mode",
       R::fail,
       {P::reject, true},
       plain,
       kMonitor,
       "none policy_test_mode, local_policy (monitor mode)"},
      {"t=y makes it what monitor mode does too",
       R::fail,
       {P::quarantine, true},
       plain,
       kMonitor,
       "none policy_test_mode"},
      {"[policy] is milder",
       R::fail,
       {P::reject},
       with_actions(D::quarantine, D::quarantine),
       kEnforce,
       "quarantine local_policy (dmarc.reject)"},
      {"a tag is a quarantine",
       R::fail,
       {P::quarantine},
       with_actions(D::reject, D::tag),
       kEnforce,
       "quarantine"},
      {"[policy] is stricter",
       R::fail,
       {P::quarantine},
       with_actions(D::reject, D::reject),
       kEnforce,
       "reject local_policy (dmarc.quarantine)"},
      {"a discard is a reject",
       R::fail,
       {P::reject},
       with_actions(D::discard, D::tag),
       kEnforce,
       "reject"},
      {"t=y, and [policy] is milder still",
       R::fail,
       {P::reject, true},
       with_actions(D::reject, D::accept),
       kEnforce,
       "none policy_test_mode, local_policy (dmarc.quarantine)"},
      {"an override of ours",
       R::fail,
       {P::reject},
       with_override({}, D::accept),
       kEnforce,
       "none local_policy"},
      {"an override that changes nothing",
       R::fail,
       {P::reject},
       with_override({}, D::reject),
       kEnforce,
       "reject"},
      {"a mailing list",
       R::fail,
       {P::reject},
       with_override({{name("dev.lists.example"), name("signer.example")}}, D::tag),
       kEnforce,
       "quarantine mailing_list"},
      {"the DNS left it open, and mail goes on all the same",
       R::temperror,
       {P::none},
       plain,
       kEnforce,
       "none"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.want);
    Findings findings = findings_of(row.result, row.published);
    findings.dkim = {dkim(DkimResult::pass)};
    findings.dkim.front().covers_list_id = true;
    findings.list_id = DomainName::parse("dev.lists.example");
    const auto made = report_row(record_of(findings, row.policy, row.mode), {});
    REQUIRE(made);
    CHECK(evaluated(*made) == std::string(row.want));
    CHECK(made->day == 20'000);
    CHECK(made->record.count == 1);
  }
}

TEST_CASE("a temperror that policy.dmarc_temperror lets in has a reason") {
  const Findings findings = findings_of(DmarcResult::temperror, {AssessmentPolicy::reject});
  PolicyConfig policy;
  policy.actions.dmarc_temperror = Disposition::accept;
  const auto row = report_row(record_of(findings, policy), {});
  REQUIRE(row);
  CHECK(evaluated(*row) == "none local_policy (dmarc.temperror)");
  CHECK(row->record.dkim == AlignedResult::fail);
}

TEST_CASE("a trusted sealer is a trusted_forwarder") {
  MessageRecord record = record_of(findings_of(DmarcResult::fail, {AssessmentPolicy::reject}));
  auto& verdict = std::get<MessageVerdict>(record.result);
  verdict.decision = {.disposition = Disposition::accept,
                      .rule = Rule::arc_trusted,
                      .by_override = {},
                      .trusted_sealer = name("lists.example"),
                      .override_reason = OverrideReason::trusted_forwarder,
                      .reason = "",
                      .reply = {}};
  verdict.disposition = Disposition::accept;
  const auto row = report_row(record, {});
  REQUIRE(row);
  CHECK(evaluated(*row) == "none trusted_forwarder (arc=pass)");
}

TEST_CASE("SPF's own action under p=none is local policy") {
  Findings findings = findings_of(DmarcResult::fail, {AssessmentPolicy::none});
  findings.spf = {spf(SpfResult::fail)};
  // RFC 9990 section 3.1.1: a disposition is what became of the message, and a reason has to be
  // there where that is not what was published. The owner, who asked for nothing, sees that it was
  // not his policy that did it.
  const struct {
    Disposition spf_fail;
    const char* want;
  } rows[] = {
      {Disposition::accept, "none"},
      {Disposition::tag, "quarantine local_policy (spf.fail)"},
      {Disposition::quarantine, "quarantine local_policy (spf.fail)"},
      {Disposition::reject, "reject local_policy (spf.fail)"},
  };
  for (const auto& each : rows) {
    PolicyConfig policy;
    policy.actions.spf_fail = each.spf_fail;
    const auto row = report_row(record_of(findings, policy), {});
    REQUIRE(row);
    CHECK(evaluated(*row) == each.want);
    if (each.spf_fail != Disposition::accept) CHECK(row->rule == Rule::spf_fail);
  }
}

TEST_CASE("which messages have a row") {
  const Findings good = findings_of(DmarcResult::pass, {AssessmentPolicy::reject});
  SUBCASE("judged mail") { CHECK(report_row(record_of(good), {})); }
  SUBCASE("not what we sign") {
    MessageRecord record;
    record.result = SigningOutcome{};
    CHECK_FALSE(report_row(record, {}));
  }
  SUBCASE("not what we failed on") { CHECK_FALSE(report_row(MessageRecord{}, {})); }
  SUBCASE("not what the MTA will bring again") {
    MessageRecord record = record_of(good);
    record.changes_failed = true;
    CHECK_FALSE(report_row(record, {}));
    const Findings open = findings_of(DmarcResult::temperror, {AssessmentPolicy::reject});
    CHECK_FALSE(report_row(record_of(open), {}));
  }
  SUBCASE("nor what the DNS left without a policy") {
    Findings open = findings_of(DmarcResult::temperror, {AssessmentPolicy::reject});
    open.dmarc.policy_domain.reset();
    open.dmarc.record.reset();
    CHECK_FALSE(report_row(record_of(open, {}, VerifyMode::monitor), {}));
  }
  SUBCASE("not without an Author Domain") {
    Findings nobody = good;
    nobody.dmarc.author_domain.reset();
    CHECK_FALSE(report_row(record_of(nobody), {}));
  }
  SUBCASE("not without an address") {
    Findings nowhere = good;
    nowhere.client.reset();
    CHECK_FALSE(report_row(record_of(nowhere), {}));
  }
  SUBCASE("without a policy there is no more than where from and what became of it") {
    Findings none = findings_of(DmarcResult::none, {});
    none.dkim = {dkim(DkimResult::pass)};
    const auto row = report_row(record_of(none), {});
    REQUIRE(row);
    CHECK_FALSE(row->policy);
    CHECK(row->record.header_from == "author.example");
    CHECK(row->record.dkim_results.empty());
    REQUIRE(row->record.spf_results.size() == 1);
    CHECK(row->record.spf_results.front().domain.empty());
    CHECK_FALSE(row->record.envelope_from);
  }
}

TEST_CASE("what is excluded has no row") {
  const struct {
    const char* why;
    const char* author;
    const char* network;
    const char* recipient;
    bool excluded;
  } rows[] = {
      {"nothing", "", "", "", false},
      {"the author's domain", "author.example", "", "", true},
      {"another author's", "other.example", "", "", false},
      {"the client's network", "", "192.0.2.0/24", "", true},
      {"another network", "", "198.51.100.0/24", "", false},
      {"one of the recipients", "", "", "a@example.org", true},
      {"their domain", "", "", "@example.org", true},
      {"another recipient", "", "", "b@example.org", false},
  };
  const MessageRecord record = record_of(findings_of(DmarcResult::pass, {}));
  for (const auto& row : rows) {
    CAPTURE(row.why);
    ReportsConfig config;
    if (*row.author != 0) config.exclude_authors = policy_test::domains({row.author});
    if (*row.network != 0) config.exclude_networks = {*Network::parse(row.network)};
    if (*row.recipient != 0) config.exclude_recipients = policy_test::addresses({row.recipient});
    CHECK(report_row(record, config).has_value() == !row.excluded);
  }
}

TEST_CASE("what comes to the author of our reports alone has no row") {
  const struct {
    const char* why;
    const char* email;
    std::vector<std::string> recipients;
    bool excluded;
  } rows[] = {
      {"a report that is sent back, or one that answers ours",
       "dmarc@example.org",
       {"<dmarc@example.org>"},
       true},
      {"in other letters", "dmarc@example.org", {"<DMARC@Example.ORG>"}, true},
      {"one more recipient: who forges cannot hide by it",
       "dmarc@example.org",
       {"<dmarc@example.org>", "<user@example.org>"},
       false},
      {"somebody else", "dmarc@example.org", {"<user@example.org>"}, false},
      {"another host's", "dmarc@example.org", {"<dmarc@example.net>"}, false},
      {"nobody reports", "", {"<dmarc@example.org>"}, false},
      {"no recipient is known", "dmarc@example.org", {}, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Findings findings = findings_of(DmarcResult::pass, {});
    findings.recipients.clear();
    for (const std::string& path : row.recipients)
      findings.recipients.push_back(parse_reverse_path(path));
    ReportsConfig config;
    config.email = row.email;
    CHECK(report_row(record_of(findings), config).has_value() == !row.excluded);
  }
}

TEST_CASE(
    "policy_published has the defaults of what a record leaves out (RFC 9990 section 3.1.1)") {
  using P = AssessmentPolicy;
  const struct {
    const char* why;
    std::optional<P> p, sp, np;
    bool invalid;
    P want_p, want_sp, want_np;
  } rows[] = {
      {"sp and np are p", P::reject, {}, {}, false, P::reject, P::reject, P::reject},
      {"np is sp", P::reject, P::none, {}, false, P::reject, P::none, P::none},
      {"all there", P::none, P::quarantine, P::reject, false, P::none, P::quarantine, P::reject},
      {"acted on as p=none", P::reject, {}, {}, true, P::none, P::none, P::none},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Findings findings = findings_of(DmarcResult::pass, {P::reject});
    findings.dmarc.record->p = row.p;
    findings.dmarc.record->sp = row.sp;
    findings.dmarc.record->np = row.np;
    findings.dmarc.record->invalid_policy = row.invalid;
    const auto made = report_row(record_of(findings), {});
    REQUIRE(made);
    REQUIRE(made->policy);
    const PolicyPublished& published = made->policy->published;
    CHECK(published.p == row.want_p);
    CHECK(published.sp == row.want_sp);
    CHECK(published.np == row.want_np);
    CHECK(published.fo == "0");
    CHECK(published.testing == false);
    CHECK(published.discovery_method == DiscoveryMethod::treewalk);
    CHECK(made->policy->rua == std::vector<std::string>{"mailto:dmarc@author.example"});
  }
}

TEST_CASE("DKIM results come in the order of RFC 9990 section 3.1.1, a hundred at most") {
  Findings findings = findings_of(DmarcResult::pass, {AssessmentPolicy::reject});
  findings.dkim = {
      dkim(DkimResult::fail, "author.example"), dkim(DkimResult::pass, "other.example"),
      dkim(DkimResult::pass, "mail.author.example"), dkim(DkimResult::pass, "author.example")};
  findings.dkim.front().reason = DkimReason::body_hash_mismatch;
  DkimOutcome nameless = dkim(DkimResult::neutral);
  nameless.domain.reset();
  findings.dkim.push_back(nameless);
  SUBCASE("aligned strictly, relaxed, another's, none") {
    const auto row = report_row(record_of(findings), {});
    REQUIRE(row);
    std::vector<std::string> got;
    for (const ReportedDkim& result : row->record.dkim_results)
      got.push_back(std::string(to_string(result.result)) + ' ' + result.domain + ' ' +
                    result.selector + ' ' + result.human_result);
    CHECK(got == std::vector<std::string>{"pass author.example s1 ", "pass mail.author.example s1 ",
                                          "pass other.example s1 ",
                                          "fail author.example s1 body-hash-mismatch"});
  }
  SUBCASE("the least worth are left out") {
    for (int i = 0; i < 120; ++i) findings.dkim.push_back(dkim(DkimResult::fail));
    const auto row = report_row(record_of(findings), {});
    REQUIRE(row);
    REQUIRE(row->record.dkim_results.size() == kReportDkim);
    CHECK(row->record.dkim_results[0].domain == "author.example");
  }
}

TEST_CASE("identifiers of a row: domains, and nothing in front of them") {
  Findings findings = findings_of(DmarcResult::pass, {AssessmentPolicy::reject});
  ReportsConfig config;
  SUBCASE("the reverse-path's domain") {
    const auto row = report_row(record_of(findings), config);
    REQUIRE(row);
    CHECK(row->record.envelope_from == "sender.example");
    CHECK(row->record.envelope_to.empty());
    CHECK(row_text(*row).find("user") == std::string::npos);
  }
  SUBCASE("the null reverse-path is an empty one, and SPF is HELO's") {
    findings.mail_from = parse_reverse_path("<>");
    findings.spf = {spf(SpfResult::pass, "helo.example"),
                    spf(SpfResult::fail, "helo.example", SpfIdentity::helo)};
    const auto row = report_row(record_of(findings), config);
    REQUIRE(row);
    CHECK(row->record.envelope_from == "");
    REQUIRE(row->record.spf_results.size() == 1);
    CHECK(row->record.spf_results.front().domain == "helo.example");
    CHECK(row->record.spf_results.front().scope == SpfScope::mfrom);
    CHECK(row->record.spf_results.front().result == ReportedResult::pass);
  }
  SUBCASE("one that cannot be read is none") {
    findings.mail_from = parse_reverse_path("<a b c>");
    const auto row = report_row(record_of(findings), config);
    REQUIRE(row);
    CHECK_FALSE(row->record.envelope_from);
  }
  SUBCASE("recipients where it is asked for, and they are of one domain") {
    config.keep = {ReportKeep::envelope_to};
    auto row = report_row(record_of(findings), config);
    REQUIRE(row);
    CHECK(row->record.envelope_to == "example.org");
    findings.recipients.push_back(parse_reverse_path("<b@example.net>"));
    row = report_row(record_of(findings), config);
    REQUIRE(row);
    CHECK(row->record.envelope_to.empty());
  }
  SUBCASE("past a forwarder of ours") {
    findings.forwarder = PastForwarder{.client = IpAddress::parse("198.51.100.7")};
    const auto row = report_row(record_of(findings), config);
    REQUIRE(row);
    CHECK(row->record.source_ip.text() == "198.51.100.7");
  }
}

TEST_CASE("days are UTC days") {
  const struct {
    std::int64_t time;
    ReportDay day;
  } rows[] = {{0, 0}, {86'399, 0}, {86'400, 1}, {-1, -1}, {-86'400, -1}, {-86'401, -2}};
  for (const auto& row : rows) {
    CAPTURE(row.time);
    CHECK(report_day(row.time) == row.day);
  }
}

TEST_CASE("rows that are equal but for their count are added up") {
  const auto row =
      report_row(record_of(findings_of(DmarcResult::pass, {AssessmentPolicy::reject})), {});
  REQUIRE(row);
  ReportRow other = *row;
  other.record.source_ip = *IpAddress::parse("2001:db8::1");
  RowSums sums;
  for (int i = 0; i < 3; ++i) CHECK(sums.add(RowSums::key_of(*row), ReportRow(*row), 2));
  CHECK(sums.add(RowSums::key_of(other), ReportRow(other), 2));
  ReportRow third = *row;
  third.day += 1;
  CHECK_FALSE(sums.add(RowSums::key_of(third), ReportRow(third), 2));
  CHECK(sums.size() == 2);
  CHECK(sums.messages() == 4);
  CHECK(sums.take().size() == 2);
  CHECK(sums.messages() == 0);
}

}  // namespace authmilter
