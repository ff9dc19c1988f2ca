#include <authmilter/report_row.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/rows/judged_records.h"

namespace authmilter {

using namespace rows_test;

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

}  // namespace authmilter
