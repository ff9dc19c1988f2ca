// fill_store STORE: rows from standard input into a store of reports, for tests and benchmarks of
// what is shown of them. A line is a word and members, separated by tabs; what is left out has its
// default:
//   received day= domain= org= doubtful=1 and a record; lines of one report stand together
//   own      day= domain= rule= decided= monitored=1 and a record
//   tls      day= domain= org= policy= result= mx= good= bad=
//   sent     day= domain= destination= state= detail=
// A record: count= source= from= dkim=DOMAIN:SELECTOR:RESULT,... spf=DOMAIN:RESULT,... disposition=
// aligned=dkim,spf
//   reason=

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/report_store.h>

using namespace authmilter;

namespace {

using Members = std::map<std::string, std::string>;

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(by, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

template <class Answer>
auto must(Answer answer) {
  if (answer) return std::move(*answer);
  std::cerr << "fill_store: " << answer.error().message << "\n";
  std::exit(1);
}

AggregateRecord record_of(Members& line) {
  AggregateRecord record;
  record.count = std::stoull(line["count"].empty() ? "1" : line["count"]);
  record.source_ip = IpAddress::parse(line["source"]).value();
  record.header_from = line["from"].empty() ? line["domain"] : line["from"];
  record.envelope_from = "";
  record.disposition =
      parse_reported_disposition(line["disposition"]).value_or(ReportedDisposition::none);
  for (const auto& method : split(line["aligned"], ','))
    (method == "dkim" ? record.dkim : record.spf) = AlignedResult::pass;
  for (const auto& text : split(line["dkim"], ',')) {
    const auto parts = split(text, ':');
    record.dkim_results.push_back(
        {parts.at(0), parts.at(1), parse_reported_result(parts.at(2)).value(), ""});
  }
  for (const auto& text : split(line["spf"], ',')) {
    const auto parts = split(text, ':');
    record.spf_results.push_back(
        {parts.at(0), SpfScope::mfrom, parse_reported_result(parts.at(1)).value(), ""});
  }
  if (!line["reason"].empty())
    record.reasons.push_back({parse_policy_override_type(line["reason"]).value(), ""});
  return record;
}

PolicyPublished policy_of(const std::string& domain) {
  PolicyPublished policy{.domain = DomainName::parse(domain).value()};
  policy.p = policy.sp = policy.np = AssessmentPolicy::none;
  policy.adkim = policy.aspf = AlignmentMode::relaxed;
  policy.discovery_method = DiscoveryMethod::treewalk;
  policy.fo = "0";
  policy.testing = false;
  return policy;
}

class Filler {
 public:
  explicit Filler(ReportStore& store) : store_(store) {}

  void take(const std::string& word, Members& line) {
    if (word == "received") return received(line);
    end();
    if (word == "own") return own(line);
    if (word == "tls") return tls(line);
    if (word == "sent") return sent(line);
    std::cerr << "fill_store: " << word << "?\n";
    std::exit(1);
  }

  void end() {
    if (intake_) must(intake_->finish());
    intake_.reset();
    report_.clear();
    if (!rows_.empty()) must(store_.add({"fill_store", ++batches_}, rows_));
    rows_.clear();
  }

 private:
  static ReportDay day_of(Members& line) { return std::stoi(line["day"]); }

  void received(Members& line) {
    const std::string report = line["day"] + " " + line["domain"] + " " + line["org"];
    if (report != report_) {
      end();
      report_ = report;
      AggregateReport whole{.policy_published = policy_of(line["domain"])};
      whole.metadata.org_name = line["org"];
      whole.metadata.report_id = "r" + std::to_string(++reports_);
      whole.metadata.begin = day_of(line) * kDaySeconds;
      whole.metadata.end = whole.metadata.begin + kDaySeconds - 1;
      intake_ = must(store_.take(whole, {whole.metadata.end, "", "pass", line["doubtful"] == "1"}));
    }
    must(intake_->record(record_of(line)));
  }

  void own(Members& line) {
    ReportRow row;
    row.day = day_of(line);
    row.policy = PolicyInForce{.published = policy_of(line["domain"])};
    row.record = record_of(line);
    row.monitored = line["monitored"] == "1";
    if (line["decided"] == "reject") row.decided = Disposition::reject;
    if (line["decided"] == "quarantine") row.decided = Disposition::quarantine;
    if (row.decided == Disposition::reject) row.rule = Rule::dmarc_reject;
    if (row.decided == Disposition::quarantine) row.rule = Rule::dmarc_quarantine;
    rows_.push_back(std::move(row));
    constexpr std::size_t kBatch = 5000;
    if (rows_.size() >= kBatch) end();
  }

  void tls(Members& line) {
    TlsReport report;
    report.organization_name = line["org"];
    report.report_id = "t" + std::to_string(++reports_);
    report.begin = day_of(line) * kDaySeconds;
    report.end = report.begin + kDaySeconds - 1;
    TlsPolicyReport policy;
    policy.type = line["policy"] == "sts" ? TlsPolicyType::sts : TlsPolicyType::tlsa;
    policy.policy_domain = line["domain"];
    policy.successful_sessions = std::stoull(line["good"]);
    if (!line["result"].empty()) {
      policy.failed_sessions = std::stoull(line["bad"]);
      policy.failures.push_back({.result_type = line["result"],
                                 .receiving_mx_hostname = line["mx"],
                                 .failed_sessions = policy.failed_sessions});
    }
    report.policies.push_back(std::move(policy));
    must(store_.keep(report, {report.end, "", "pass", false}));
  }

  void sent(Members& line) {
    const std::vector<SendEntry> entries{
        {.day = day_of(line),
         .policy_domain = DomainName::parse(line["domain"]).value(),
         .destination = line["destination"],
         .report_id = "s" + line["day"] + "@" + line["domain"],
         .file_name = "f.xml.gz"}};
    must(store_.plan(entries));
    must(store_.advance(entries[0], SendState::planned, SendState::sending, 0, ""));
    must(store_.advance(entries[0], SendState::sending,
                        line["state"] == "failed" ? SendState::failed : SendState::sent, 0,
                        line["detail"]));
  }

  ReportStore& store_;
  std::unique_ptr<AggregateIntake> intake_;
  std::string report_;
  std::vector<ReportRow> rows_;
  unsigned reports_ = 0;
  std::uint64_t batches_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  const auto store =
      must(ReportStore::open(must(StoreAddress::parse(argv[1])), ReportStore::Access::write));
  Filler filler(*store);
  for (std::string text; std::getline(std::cin, text);) {
    auto parts = split(text, '\t');
    Members members;
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const std::size_t equals = parts[i].find('=');
      members[parts[i].substr(0, equals)] = parts[i].substr(equals + 1);
    }
    filler.take(parts.at(0), members);
  }
  filler.end();
  return 0;
}
