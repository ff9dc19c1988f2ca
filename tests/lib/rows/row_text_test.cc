#include "rows/row_text.h"

#include <doctest/doctest.h>

#include <string>

namespace authmilter {
namespace {

ReportRow full_row() {
  ReportRow row{.day = 20'000};
  row.policy = PolicyInForce{.published = {.domain = *DomainName::parse("example.org")}};
  row.policy->published.p = AssessmentPolicy::reject;
  row.policy->published.sp = AssessmentPolicy::quarantine;
  row.policy->published.np = AssessmentPolicy::none;
  row.policy->published.adkim = AlignmentMode::strict;
  row.policy->published.aspf = AlignmentMode::relaxed;
  row.policy->published.discovery_method = DiscoveryMethod::treewalk;
  row.policy->published.fo = "1:d:s";
  row.policy->published.testing = true;
  row.policy->psd = PsdFlag::y;
  row.policy->rua = {"mailto:a@example.org", "mailto:b@example.net"};
  row.policy->ruf = {"mailto:c@example.org"};
  row.policy->error = "rua: not a URI; pct: removed";
  AggregateRecord& record = row.record;
  record.source_ip = *IpAddress::parse("2001:db8::25");
  record.count = 12;
  record.disposition = ReportedDisposition::quarantine;
  record.dkim = AlignedResult::pass;
  record.spf = AlignedResult::fail;
  record.reasons = {{PolicyOverrideType::local_policy, "monitor mode"},
                    {PolicyOverrideType::sampled_out, ""}};
  record.header_from = "news.example.org";
  record.envelope_from = "bounce.example.net";
  record.envelope_to = "news.example.org";
  record.dkim_results = {
      {"news.example.org", "s=1;x", ReportedResult::pass, ""},
      {"example.net", "20230601", ReportedResult::permerror, "no key;\tat all 100% \n?"}};
  record.spf_results = {{"bounce.example.net", SpfScope::mfrom, ReportedResult::softfail, ""},
                        {"", {}, ReportedResult::temperror, "dns-timeout"}};
  row.rule = Rule::arc_temperror;
  row.decided = Disposition::tempfail;
  row.monitored = true;
  return row;
}

}  // namespace

TEST_CASE("a row is read back from its text") {
  const ReportRow row = full_row();
  const auto back = parse_row(row_text(row));
  REQUIRE(back);
  CHECK(*back == row);
  CHECK(row_text(row).find('\n') == std::string::npos);
}

TEST_CASE("every word of a row is read back") {
  ReportRow row = full_row();
  SUBCASE("without a policy") { row.policy.reset(); }
  SUBCASE("the null reverse-path") { row.record.envelope_from = ""; }
  SUBCASE("no reverse-path") { row.record.envelope_from.reset(); }
  SUBCASE("names that look like ours") {
    row.record.header_from = "=";
    row.record.envelope_from = "?";
    row.record.dkim_results.front().domain = "=";
  }
  SUBCASE("nothing") { row.record = AggregateRecord{.source_ip = row.record.source_ip}; }
  SUBCASE("results") {
    row.record.dkim_results.clear();
    for (int i = 0; i <= static_cast<int>(ReportedResult::permerror); ++i)
      row.record.dkim_results.push_back({"d.example", "s", static_cast<ReportedResult>(i), ""});
  }
  SUBCASE("reasons") {
    row.record.reasons.clear();
    for (int i = 0; i <= static_cast<int>(PolicyOverrideType::sampled_out); ++i)
      row.record.reasons.push_back({static_cast<PolicyOverrideType>(i), ""});
  }
  const auto back = parse_row(row_text(row));
  REQUIRE(back);
  CHECK(*back == row);
  for (int i = 0; i <= static_cast<int>(Rule::internal); ++i) {
    row.rule = static_cast<Rule>(i);
    CHECK(parse_row(row_text(row)) == row);
  }
  for (int i = 0; i <= static_cast<int>(Disposition::discard); ++i) {
    row.decided = static_cast<Disposition>(i);
    CHECK(parse_row(row_text(row)) == row);
  }
}

TEST_CASE("what tells two rows apart tells their texts apart") {
  const ReportRow row = full_row();
  ReportRow other = row;
  SUBCASE("envelope_from") { other.record.envelope_from = ""; }
  SUBCASE("a selector") { other.record.dkim_results.front().selector = "s"; }
  SUBCASE("the rule") { other.rule = Rule::dmarc_pass; }
  SUBCASE("monitor mode") { other.monitored = false; }
  SUBCASE("alignment") { other.record.spf = AlignedResult::pass; }
  CHECK(kind_text(row) != kind_text(other));
}

TEST_CASE("a usual row is short") {
  ReportRow row;
  row.record.header_from = "example.org";
  row.record.envelope_from = "example.org";
  row.record.disposition = ReportedDisposition::pass;
  row.record.dkim_results = {{"example.org", "2026a", ReportedResult::pass, ""}};
  row.record.spf_results = {{"example.org", SpfScope::mfrom, ReportedResult::pass, ""}};
  row.rule = Rule::dmarc_pass;
  CHECK(kind_text(row) == "example.org\t=\t\tpffa\t\t\tp= 2026a\tpm=");
}

TEST_CASE("a text that is not a row is nothing") {
  const std::string good = row_text(full_row());
  for (const std::string& text : {std::string(), std::string("\t"), good.substr(0, good.size() / 2),
                                  good + "\tmore", "x" + good, std::string(16, '\t')}) {
    CAPTURE(text);
    CHECK_FALSE(parse_row(text));
  }
}

}  // namespace authmilter
