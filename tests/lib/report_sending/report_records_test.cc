#include "report_sending/report_records.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/report_sending/sample_rows.h"

using namespace authmilter;

namespace {

const PolicyInForce kPolicy = policy("example.com", {"mailto:d@example.com"});

ReportRow changed(void (*change)(AggregateRecord&)) {
  ReportRow made = row(kPolicy, "192.0.2.1", 1);
  change(made.record);
  return made;
}

SendEntry entry() {
  return {kDay, domain_name("example.com"), "mailto:d@example.com", "2026-11-28.x@y", "f"};
}

/// So many octets a record, and what was written last in `error`.
struct Composer {
  std::size_t octets_each = 100;
  AggregateReport head = {.policy_published = {.domain = domain_name("example.com")}};
  std::vector<AggregateRecord> records = {};

  ReportComposer function() {
    return [this](const AggregateReport& report, std::span<const AggregateRecord> shown,
                  const SendEntry&, const std::vector<ReportAddress>& recipients) {
      head = report;
      records.assign(shown.begin(), shown.end());
      OutgoingReport mail{{}, std::string(shown.size() * octets_each, 'x')};
      for (const ReportAddress& one : recipients) mail.recipients.push_back(one.mailbox);
      return Result<OutgoingReport>(mail);
    };
  }
};

const std::vector<ReportAddress> kTo = {{"d@example.com", domain_name("example.com")}};

}  // namespace

TEST_CASE("one record for each address, result and identifiers (RFC 9990 section 3.1.1.10)") {
  const struct {
    const char* why;
    ReportRow other;
    bool same;
  } rows[] = {
      {"the same", row(kPolicy, "192.0.2.1", 4), true},
      {"another address", row(kPolicy, "192.0.2.2", 1), false},
      {"another author", changed([](AggregateRecord& r) { r.header_from = "x.example.com"; }),
       false},
      {"another envelope", changed([](AggregateRecord& r) { r.envelope_from = "x.net"; }), false},
      {"the null reverse-path", changed([](AggregateRecord& r) { r.envelope_from = ""; }), false},
      {"no word of the reverse-path", changed([](AggregateRecord& r) { r.envelope_from.reset(); }),
       false},
      {"another recipient's domain", changed([](AggregateRecord& r) { r.envelope_to = "b.org"; }),
       false},
      {"another disposition",
       changed([](AggregateRecord& r) { r.disposition = ReportedDisposition::none; }), false},
      {"aligned DKIM", changed([](AggregateRecord& r) { r.dkim = AlignedResult::pass; }), false},
      {"aligned SPF", changed([](AggregateRecord& r) { r.spf = AlignedResult::pass; }), false},
      {"a reason", changed([](AggregateRecord& r) {
         r.reasons = {{PolicyOverrideType::mailing_list, ""}};
       }),
       false},
      {"another SPF result",
       changed([](AggregateRecord& r) { r.spf_results[0].result = ReportedResult::softfail; }),
       false},
      {"a signature", changed([](AggregateRecord& r) {
         r.dkim_results = {{"example.com", "s", ReportedResult::pass, ""}};
       }),
       false},
      {"the rule of ours that decided: a report does not show it",
       [] {
         ReportRow made = row(kPolicy, "192.0.2.1", 1);
         made.rule = Rule::dmarc_reject;
         made.decided = Disposition::quarantine;
         made.monitored = true;
         return made;
       }(),
       true},
      {"the HELO result: RFC 9990 has mfrom only", changed([](AggregateRecord& r) {
         r.spf_results.push_back({"h.net", SpfScope::helo, ReportedResult::pass, ""});
       }),
       true},
  };
  for (const auto& line : rows) {
    CAPTURE(line.why);
    ReportRecords records;
    records.add(row(kPolicy, "192.0.2.1", 2));
    records.add(line.other);
    CHECK(records.messages() == 2 + line.other.record.count);
    const auto sorted = records.sorted();
    REQUIRE(sorted.size() == (line.same ? 1 : 2));
    CHECK(sorted[0].count == (line.same ? 2 + line.other.record.count : 2));
  }
}

TEST_CASE("no more than 100 signatures, in the order of the row (RFC 9990 section 3.1.3)") {
  ReportRow many = row(kPolicy, "192.0.2.1", 1);
  for (int i = 0; i < 250; ++i) {
    many.record.dkim_results.push_back(
        {"d" + std::to_string(i) + ".example", "s", ReportedResult::fail, ""});
  }
  ReportRecords records;
  records.add(many);
  const auto sorted = records.sorted();
  REQUIRE(sorted.size() == 1);
  REQUIRE(sorted[0].dkim_results.size() == 100);
  CHECK(sorted[0].dkim_results[0].domain == "d0.example");
  CHECK(sorted[0].dkim_results[99].domain == "d99.example");
}

TEST_CASE("the records come in one order, most messages first") {
  const std::vector<ReportRow> rows = {row(kPolicy, "192.0.2.3", 1), row(kPolicy, "192.0.2.1", 1),
                                       row(kPolicy, "192.0.2.2", 9)};
  ReportRecords one, other;
  for (const ReportRow& each : rows) one.add(each);
  for (auto each = rows.rbegin(); each != rows.rend(); ++each) other.add(*each);
  CHECK(one.sorted() == other.sorted());
  CHECK(one.sorted()[0].source_ip.text() == "192.0.2.2");
  CHECK(one.sorted()[1].source_ip.text() == "192.0.2.1");
}

TEST_CASE("what stands above the records (RFC 9990 section 3.1.1)") {
  PolicyInForce in_force = kPolicy;
  in_force.error = "multiple DMARC records";
  in_force.published.pct = 50;
  ReportSender sender = sample_sender();
  sender.contact = "https://example.org/dmarc";
  const AggregateReport head = report_head(entry(), in_force, sender, ReportForm::rfc9990, 0);
  CHECK(head.form == ReportForm::rfc9990);
  CHECK(head.version == "1.0");
  CHECK(head.metadata == ReportMetadata{"Example Organization", "dmarc@example.org",
                                        "https://example.org/dmarc", "2026-11-28.x@y",
                                        1'795'824'000, 1'795'910'399, "multiple DMARC records",
                                        "authmilter test"});
  // Every tag is written down, with its default where the record has none; pct is gone.
  in_force.published.pct.reset();
  CHECK(head.policy_published == in_force.published);
  CHECK(head.policy_published.discovery_method == DiscoveryMethod::treewalk);
  CHECK(head.policy_published.testing == false);
  CHECK(report_head(entry(), in_force, sender, ReportForm::rfc9990, 7).metadata.error ==
        "multiple DMARC records; 7 messages are left out: the report would be too large");
}

TEST_CASE("a report that is too large has the sources with the most messages") {
  const struct {
    const char* why;
    unsigned maximum;
    std::size_t records;
    std::uint64_t left_out;  // messages
  } rows[] = {
      {"all fit", 800, 8, 0},
      {"an octet too few", 799, 4, 1 + 2 + 3 + 4},
      {"a few fit", 250, 2, 1 + 2 + 3 + 4 + 5 + 6},
      {"one fits", 100, 1, 28},
      {"none does", 99, 0, 0},
  };
  for (const auto& line : rows) {
    CAPTURE(line.why);
    ReportRecords records;
    for (std::uint64_t i = 1; i <= 8; ++i)
      records.add(row(kPolicy, "192.0.2." + std::to_string(i), i));
    ReportsConfig config;
    config.maximum_octets = line.maximum;
    Composer composer;
    const auto fitted =
        fit_report(records, entry(), kPolicy, sample_sender(), config, kTo, composer.function());
    if (line.records == 0) {
      REQUIRE_FALSE(fitted);
      CHECK(fitted.error().message == "with one record the mail has 100 octets already");
      continue;
    }
    REQUIRE(fitted);
    CHECK(fitted->records == line.records);
    CHECK(fitted->left_out == line.left_out);
    CHECK(composer.records.size() == line.records);
    CHECK(composer.records[0].count == 8);
    const std::string said = line.left_out == 0
                                 ? ""
                                 : std::to_string(line.left_out) +
                                       " messages are left out: the report would be too large";
    CHECK(composer.head.metadata.error == said);
  }
}

TEST_CASE("however many kinds of messages there are, memory has an end") {
  ReportRecords records(3);
  for (int i = 1; i <= 5; ++i) records.add(row(kPolicy, "192.0.2." + std::to_string(i), 10));
  records.add(row(kPolicy, "192.0.2.1", 1));  // which is known
  CHECK(records.sorted().size() == 3);
  CHECK(records.messages() == 51);
  CHECK(records.messages_left_out() == 20);
}

TEST_CASE("a destination whose reader knows no namespace gets none") {
  const struct {
    const char* why;
    std::vector<ReportAddress> to;
    ReportForm form;
  } rows[] = {
      {"others", kTo, ReportForm::rfc9990},
      {"it", {{"d@old.net", domain_name("old.net")}}, ReportForm::rfc7489},
      {"a host below", {{"d@mx.old.net", domain_name("mx.old.net")}}, ReportForm::rfc7489},
      {"a name that ends likewise", {{"d@bold.net", domain_name("bold.net")}}, ReportForm::rfc9990},
  };
  for (const auto& line : rows) {
    CAPTURE(line.why);
    ReportRecords records;
    records.add(row(kPolicy, "192.0.2.1", 1));
    ReportsConfig config;
    config.without_namespace = {domain_name("old.net")};
    Composer composer;
    REQUIRE(fit_report(records, entry(), kPolicy, sample_sender(), config, line.to,
                       composer.function()));
    CHECK(composer.head.form == line.form);
  }
}

TEST_CASE("a report has a record at least (RFC 9990 section 3.1.1.2)") {
  Composer composer;
  const auto fitted =
      fit_report(ReportRecords(), entry(), kPolicy, sample_sender(), {}, kTo, composer.function());
  REQUIRE_FALSE(fitted);
  CHECK(fitted.error().message == "nothing is stored of it any more");
}
