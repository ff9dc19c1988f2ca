#include <authmilter/report_row.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lib/rows/judged_records.h"
#include "rows/row_text.h"

namespace authmilter {

using namespace rows_test;

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
