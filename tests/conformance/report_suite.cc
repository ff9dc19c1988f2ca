// Reads the published sample reports: report_suite TESTDATA-DIRECTORY
// With --write FOLDER it writes each aggregate report that it read there again, as RFC 9990's
// schema has it, and some of its own, for others to look at.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

#include <authmilter/aggregate_writer.h>
#include <authmilter/report_reader.h>

#include "archive/gzip.h"
#include "support/written_reports.h"

using namespace authmilter;

namespace {

constexpr int kSkipped = 77;

/// What each file of the folder must give. A new one fails until it has its row.
const std::map<std::string, std::string> kExpected = {
    {"aggregate/empty_reason.xml", "aggregate 20240125141224705995 example.com 1/2"},
    {"aggregate/gzipped.xml.gz", "aggregate 102675056 indemed.com 1/1"},
    {"aggregate/invalid_utf_8.xml", "aggregate example.com:1538463741 example.com 1/1 mended"},
    {"aggregate/invalid_xml.xml", "aggregate sonexushealth.com:1530233361 example.com 1/1 mended"},
    {"aggregate/large.xml", "aggregate example.com:1711897200 example.com 2286/2286"},
    {"aggregate/old_draft.xml", "aggregate 9391651994964116463 example.com 1/2"},
    {"aggregate/outlook.xml", "aggregate cfeafefe4129445e8c81018bd9177197 example.com 1/1"},
    {"aggregate/plain-1.xml", "aggregate 3ceb5548498640beaeb47327e202b0b9 example.com 1/1"},
    {"aggregate/rfc9990-example.xml", "aggregate dmarcbis-test-report-001 example.com 2/7"},
    {"aggregate/two-days-empty-receiver.xml", "aggregate example.com:1538463741 example.com 1/1"},
    {"aggregate/upper_case_pass.xml",
     "aggregate aggr_report_example.com_20191202_1638 example.com 1/1"},
    {"aggregate/zipped.xml.zip", "aggregate 2940 example.com 1/1"},
    {"dmarc-xml-0.2.xml", "aggregate 3v98abbp8ya9n3va8yr8oa3ya example.com 1/123"},
    {"dmarc-xmlalt-0.2.xml", "aggregate 3v98abbp8ya9n3va8yr8oa3ya example.com 1/123"},
    {"failure/plain-text-only.eml",
     "failure <E1u1tpB-00AA5u-ED@node04.mailgate.example.net> example.com 1/1"},
    {"smtp-tls/rfc8460.json",
     "smtp-tls 5065427c-23d3-47ca-b6e0-946ea0e8c4be company-y.example 3/5629"},
    {"smtp-tls/smtp_tls.json", "smtp-tls 2024-01-09T00:00:00Z_example.com example.com 2/3"},
};

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// "aggregate ID DOMAIN RECORDS/MESSAGES", and " mended"; or the reason.
std::string outcome_of(std::string_view octets, WrittenReports& written) {
  std::string out;
  for (const ReportOutcome& outcome : read_reports(octets, {}, written)) {
    if (!out.empty()) out += "; ";
    if (outcome.status != ReportOutcome::Status::stored) {
      out += outcome.reason;
      continue;
    }
    out += std::string(to_string(*outcome.kind)) + " " + outcome.report_id + " " + outcome.domain +
           " " + std::to_string(outcome.records) + "/" + std::to_string(outcome.messages);
    if (!outcome.notes.empty()) out += " mended";
  }
  return out;
}

int read_samples(const std::filesystem::path& folder) {
  int good = 0;
  int all = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = std::filesystem::relative(entry.path(), folder).string();
    if (name == "SOURCE.txt" || name.ends_with(".xsd")) continue;
    ++all;
    WrittenReports written;
    const std::string found = outcome_of(contents(entry.path()), written);
    const auto expected = kExpected.find(name);
    if (expected != kExpected.end() && expected->second == found) {
      ++good;
    } else {
      std::cout << name << ": " << found << "\n";
    }
  }
  std::cout << "sample reports: " << good << " of " << all << " read\n";
  return good == all && all == static_cast<int>(kExpected.size()) ? 0 : 1;
}

void write(const std::filesystem::path& path, const WrittenReports::Aggregate& aggregate) {
  AggregateWriter writer(aggregate.report, ReportNamespace::rfc9990);
  for (const AggregateRecord& record : aggregate.records) writer.add(record);
  const std::string packed = writer.finish();
  UnpackBudget budget{.octets = 1U << 30U, .members = 1};
  TextSource source(packed);
  GzipSource text(source, budget);
  std::ofstream file(path, std::ios::binary);
  for (;;) {
    const auto piece = text.next();
    if (!piece || piece->empty()) return;
    file << *piece;
  }
}

/// A report in which every text is as bad as it may be, and every list as long.
WrittenReports::Aggregate hostile() {
  const std::string bad = "</x> & <!DOCTYPE y [\x01\xff\xef\xbf\xbf]]> \"'";
  WrittenReports::Aggregate out{
      {.metadata = {bad, bad, bad, bad, 1764288000, 1764374399, bad, bad},
       .policy_published = {.domain = *DomainName::parse("example.org"), .fo = bad}},
      {},
      {}};
  AggregateRecord record{
      .source_ip = *IpAddress::parse("2001:db8::1"), .count = 1, .header_from = bad};
  record.envelope_from = bad;
  record.envelope_to = bad;
  for (int type = 0; type <= static_cast<int>(PolicyOverrideType::sampled_out); ++type) {
    record.reasons.push_back({static_cast<PolicyOverrideType>(type), bad});
  }
  for (int i = 0; i < 200; ++i) {
    const auto result =
        static_cast<ReportedResult>(i % (static_cast<int>(ReportedResult::permerror) + 1));
    record.dkim_results.push_back({bad, bad, result, bad});
    record.spf_results.push_back({bad, SpfScope::helo, result, bad});
  }
  out.records.push_back(record);
  return out;
}

int write_samples(const std::filesystem::path& folder, const std::filesystem::path& to) {
  int count = 0;
  for (const auto& [name, outcome] : kExpected) {
    WrittenReports written;
    outcome_of(contents(folder / name), written);
    for (const auto& aggregate : written.aggregate) {
      write(to / (std::to_string(count++) + ".xml"), aggregate);
    }
  }
  write(to / "hostile.xml", hostile());
  std::cout << count + 1 << " reports written\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool writes = argc == 4 && std::string_view(argv[2]) == "--write";
  if (argc != 2 && !writes) {
    std::cerr << "usage: report_suite TESTDATA-DIRECTORY [--write FOLDER]\n";
    return 64;
  }
  const auto folder = std::filesystem::path(argv[1]) / "dmarc-reports";
  if (!std::filesystem::exists(folder / "aggregate")) {
    std::cout << "skipped: no sample reports in " << argv[1] << "\n";
    return kSkipped;
  }
  return writes ? write_samples(folder, argv[3]) : read_samples(folder);
}
