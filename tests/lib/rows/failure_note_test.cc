#include <authmilter/failure_note.h>

#include <string>

#include <doctest/doctest.h>

#include <authmilter/message_record.h>
#include <authmilter/reports_config.h>

#include "lib/policy/findings.h"

namespace authmilter {
namespace {

using policy_test::dkim;
using policy_test::name;
using policy_test::spf;

/// What one message is, and what its author's domain asks for.
struct Case {
  DmarcResult result = DmarcResult::fail;
  bool dkim_aligned = false, spf_aligned = false;
  SpfResult spf_result = SpfResult::fail;
  DkimResult dkim_result = DkimResult::fail;
  std::string fo = "0";
  PsdFlag psd = PsdFlag::u;
  bool ruf = true;
  bool on = true;
};

MessageRecord record_of(const Case& one) {
  DmarcOutcome dmarc = policy_test::dmarc(one.result, AssessmentPolicy::reject);
  dmarc.policy_known = true;
  dmarc.organizational_domain = dmarc.policy_domain = dmarc.author_domain;
  dmarc.dkim_aligned = one.dkim_aligned;
  dmarc.spf_aligned = one.spf_aligned;
  dmarc.record.emplace();
  dmarc.record->p = AssessmentPolicy::reject;
  dmarc.record->fo = one.fo;
  dmarc.record->psd = one.psd;
  if (one.ruf) dmarc.record->ruf.addresses = {{"failures@author.example", name("author.example")}};
  MessageVerdict verdict;
  verdict.findings = policy_test::findings(spf(one.spf_result), dmarc);
  DkimOutcome signature;
  signature.result = one.dkim_result;
  signature.domain = name("author.example");
  signature.selector = Selector::parse("s1");
  signature.identity = "@author.example";
  verdict.findings.dkim = {signature};
  verdict.decision = decide(verdict.findings, {});
  verdict.disposition = verdict.decision.disposition;
  verdict.authentication_results = "mx.example.org; dmarc=fail header.from=author.example";
  MessageRecord record;
  record.received = 1'795'868'000;
  record.header = "From: Alice <alice@author.example>\nSubject: x\n";
  record.result = verdict;
  return record;
}

std::optional<FailureNote> note_of(const Case& one) {
  ReportsConfig config;
  config.failure_reports = one.on;
  return failure_note(record_of(one), config);
}

}  // namespace

TEST_CASE("whose failure is told (RFC 9989 section 4.7, fo; RFC 9991 section 2)") {
  constexpr auto kFail = AuthFailure::dmarc;
  const struct {
    const char* why;
    Case one;
    std::optional<AuthFailure> told;
  } rows[] = {
      {"0: nothing aligned passes", {}, kFail},
      {"0: one does", {.result = DmarcResult::pass, .dkim_aligned = true}, std::nullopt},
      {"1: one does not", {.result = DmarcResult::pass, .dkim_aligned = true, .fo = "1"}, kFail},
      {"1: both do",
       {.result = DmarcResult::pass, .dkim_aligned = true, .spf_aligned = true, .fo = "1"},
       std::nullopt},
      {"d: a signature failed, whatever aligns",
       {.result = DmarcResult::pass, .spf_aligned = true, .fo = "d"},
       AuthFailure::signature},
      {"d: none failed",
       {.result = DmarcResult::pass,
        .spf_aligned = true,
        .dkim_result = DkimResult::pass,
        .fo = "d"},
       std::nullopt},
      {"s: SPF failed",
       {.result = DmarcResult::pass, .dkim_aligned = true, .fo = "s"},
       AuthFailure::spf},
      {"s: SPF passed",
       {.result = DmarcResult::pass,
        .dkim_aligned = true,
        .spf_result = SpfResult::pass,
        .fo = "s"},
       std::nullopt},
      {"d:s, both: the first",
       {.result = DmarcResult::pass, .dkim_aligned = true, .fo = "d:s"},
       AuthFailure::signature},
      {"no ruf, no report", {.ruf = false}, std::nullopt},
      {"a public suffix's ruf must not be used", {.psd = PsdFlag::y}, std::nullopt},
      {"off, as it is by default", {.on = false}, std::nullopt},
      {"the DNS left it open", {.result = DmarcResult::temperror}, std::nullopt},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto note = note_of(row.one);
    REQUIRE(note.has_value() == row.told.has_value());
    if (note) CHECK(note->report.auth_failure == row.told);
  }
}

TEST_CASE("what a failure report says (RFC 9991 section 4)") {
  const auto note = note_of({});
  REQUIRE(note);
  const FailureReport& report = note->report;
  CHECK(note->policy_domain == name("author.example"));
  CHECK(note->ruf == std::vector<std::string>{"mailto:failures@author.example"});
  CHECK(report.identity_alignment == IdentityAlignment{true, true});
  CHECK(report.delivery_result == DeliveryResult::reject);
  CHECK(report.reported_domain == name("author.example"));
  CHECK(report.arrival_date == 1'795'868'000);
  CHECK(report.source_ip.has_value());
  CHECK(report.authentication_results.find("dmarc=fail") != std::string::npos);
  // Required where DKIM of an aligned identifier failed.
  CHECK(report.dkim_domain == "author.example");
  CHECK(report.dkim_selector == "s1");
  CHECK(report.dkim_identity == "@author.example");
  CHECK(report.original_header.find("Subject: x") != std::string::npos);
  // Recipients are nobody's business.
  CHECK(report.original_rcpt_to.empty());
  const auto half = note_of({.result = DmarcResult::pass, .dkim_aligned = true, .fo = "1"});
  REQUIRE(half);
  CHECK(half->report.identity_alignment == IdentityAlignment{false, true});
}

TEST_CASE("failures that are alike are one kind") {
  const auto note = note_of({});
  REQUIRE(note);
  const struct {
    const char* why;
    void (*change)(FailureNote&);
    bool same;
  } rows[] = {
      {"another message",
       [](FailureNote& n) {
         n.report.arrival_date = 1;
         n.report.original_header = "Subject: y\n";
         n.report.original_mail_from = "b@author.example";
       },
       true},
      {"another client",
       [](FailureNote& n) { n.report.source_ip = IpAddress::parse("203.0.113.9"); }, false},
      {"another author",
       [](FailureNote& n) { n.report.reported_domain = name("x.author.example"); }, false},
      {"another selector", [](FailureNote& n) { n.report.dkim_selector = "s2"; }, false},
      {"SPF alone",
       [](FailureNote& n) {
         n.report.identity_alignment = {{false, true}};
       },
       false},
      {"told to somebody else", [](FailureNote& n) { n.ruf = {"mailto:x@author.example"}; }, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    FailureNote other = *note;
    row.change(other);
    CHECK((kind_of(other) == kind_of(*note)) == row.same);
  }
}

}  // namespace authmilter
