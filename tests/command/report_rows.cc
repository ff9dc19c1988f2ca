// Puts rows into a store of reports, as the daemon does:
//
//   report_rows STORE DAY      DAY is counted from 1970-01-01
//
// of standard input, a line each: POLICY_DOMAIN P RUA[,RUA...] SOURCE COUNT pass|fail

#include <charconv>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <authmilter/report_row.h>
#include <authmilter/report_store.h>

using namespace authmilter;

namespace {

int complain(const std::string& message) {
  std::cerr << "report_rows: " << message << "\n";
  return 1;
}

AssessmentPolicy policy_named(const std::string& word) {
  if (word == "reject") return AssessmentPolicy::reject;
  return word == "quarantine" ? AssessmentPolicy::quarantine : AssessmentPolicy::none;
}

ReportedDisposition disposition(AssessmentPolicy policy, bool pass) {
  if (policy == AssessmentPolicy::none) return ReportedDisposition::none;
  if (pass) return ReportedDisposition::pass;
  return policy == AssessmentPolicy::reject ? ReportedDisposition::reject
                                            : ReportedDisposition::quarantine;
}

ReportRow row(const std::string& line, ReportDay day) {
  std::istringstream words(line);
  std::string domain, p, rua, source, result;
  std::uint64_t count = 0;
  words >> domain >> p >> rua >> source >> count >> result;
  const bool pass = result == "pass";
  const AssessmentPolicy policy = policy_named(p);
  PolicyInForce in_force{.published = {.domain = DomainName::parse(domain).value()}};
  in_force.published.p = in_force.published.sp = in_force.published.np = policy;
  in_force.published.adkim = in_force.published.aspf = AlignmentMode::relaxed;
  in_force.published.discovery_method = DiscoveryMethod::treewalk;
  in_force.published.fo = "0";
  in_force.published.testing = false;
  std::istringstream uris(rua);
  for (std::string uri; std::getline(uris, uri, ',');) in_force.rua.push_back(uri);
  ReportRow made;
  made.day = day;
  made.policy = std::move(in_force);
  made.record.source_ip = IpAddress::parse(source).value();
  made.record.count = count;
  made.record.disposition = disposition(policy, pass);
  made.record.dkim = made.record.spf = pass ? AlignedResult::pass : AlignedResult::fail;
  made.record.header_from = domain;
  made.record.envelope_from = domain;
  made.record.dkim_results = {
      {domain, "s1", pass ? ReportedResult::pass : ReportedResult::fail, ""}};
  made.record.spf_results = {
      {domain, SpfScope::mfrom, pass ? ReportedResult::pass : ReportedResult::fail, ""}};
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return complain("STORE DAY");
  const auto address = StoreAddress::parse(argv[1]);
  if (!address) return complain(address.error().message);
  const auto store = ReportStore::open(*address, ReportStore::Access::write);
  if (!store) return complain(store.error().message);
  const auto day = static_cast<ReportDay>(std::stol(argv[2]));
  std::vector<ReportRow> rows;
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty()) rows.push_back(row(line, day));
  }
  const BatchId batch{"test-" + std::to_string(std::random_device()()), 1};
  const auto added = (*store)->add(batch, rows);
  return added ? 0 : complain(added.error().message);
}
