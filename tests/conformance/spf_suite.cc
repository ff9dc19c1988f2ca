// Runs the published SPF suites through the public interface: `spf_suite DIRECTORY`, the folder of
// the suites. Exit status: 0, all cases agree; 1, some do not; 77, no suite is there.

#include <authmilter/spf.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "published_json.h"

namespace {

using namespace authmilter;
using published::File;
using published::Value;

constexpr int kSkipped = 77;  // CTest's SKIP_RETURN_CODE
constexpr int kCnameLimit = 8;

/// Texts are octets; in JSON they are the code points U+0000 to U+00FF.
std::string octets(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead == 0xc2 || lead == 0xc3) {
      const unsigned low = static_cast<unsigned char>(text.at(++i)) & 0x3fU;
      out += static_cast<char>((lead & 3U) << 6U | low);
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string joined(const Value& strings) {
  std::string out;
  for (const std::string& text : strings.texts()) out += octets(text);
  return out;
}

DnsName name_of(const std::string& text) {
  const auto name = DnsName::parse(text);
  if (!name) throw std::runtime_error("zone data has no such name: " + text);
  return *name;
}

/// The zone data of one scenario. TIMEOUT answers for the types that a name has no record of.
class ScenarioResolver final : public Resolver {
 public:
  explicit ScenarioResolver(const Value& zone) {
    for (const auto& [name, records] : zone.members()) {
      if (const auto key = DnsName::parse(name)) zone_.insert_or_assign(*key, records.list());
    }
  }

  DnsAnswerRef resolve(const DnsQuestion& question, Deadline, Freshness) override {
    DnsName name = question.name;
    for (int hops = 0; hops < kCnameLimit; ++hops) {
      const auto found = zone_.find(name);
      if (found == zone_.end()) return status(DnsStatus::nxdomain);
      const auto target = cname(found->second);
      if (!target) return answer(found->second, question.type);
      name = *target;
    }
    return std::make_shared<const DnsAnswer>(DnsAnswer::failed(DnsFault::servfail));
  }
  using Resolver::resolve;
  void prefetch(const DnsQuestion&) override {}

 private:
  static DnsAnswerRef status(DnsStatus status) {
    DnsAnswer answer;
    answer.status = status;
    return std::make_shared<const DnsAnswer>(answer);
  }

  static std::optional<DnsName> cname(const std::vector<Value>& records) {
    for (const Value& record : records)
      if (record.text_or("type", "") == "CNAME") return name_of(record.at("data").text());
    return std::nullopt;
  }

  static DnsAnswerRef answer(const std::vector<Value>& records, RrType type) {
    DnsAnswer answer;
    answer.status = DnsStatus::no_data;
    bool fault = false;
    for (const Value& record : records) {
      fault = fault || record.find("fault");
      if (record.text_or("type", "") != to_string(type)) continue;
      answer.status = DnsStatus::success;
      answer.records.push_back(ScenarioResolver::record(type, record.at("data")));
    }
    if (answer.status == DnsStatus::no_data && fault) answer = DnsAnswer::failed(DnsFault::timeout);
    // As a Resolver hands them out (RFC 5321 section 5.1), by this suite's own reading.
    std::stable_sort(
        answer.records.begin(), answer.records.end(), [](const auto& a, const auto& b) {
          const auto* first = std::get_if<MxRecord>(&a);
          const auto* second = std::get_if<MxRecord>(&b);
          return first != nullptr && second != nullptr && first->preference < second->preference;
        });
    return std::make_shared<const DnsAnswer>(std::move(answer));
  }

  static DnsRecord record(RrType type, const Value& data) {
    switch (type) {
      case RrType::a:
        return ARecord{IpAddress::parse(data.text()).value()};
      case RrType::aaaa:
        return AaaaRecord{IpAddress::parse(data.text()).value()};
      case RrType::ptr:
        return PtrRecord{name_of(data.text())};
      case RrType::mx:
        return MxRecord{static_cast<std::uint16_t>(data.list().at(0).number()),
                        name_of(data.list().at(1).text())};
      default:
        return TxtRecord{joined(data)};
    }
  }

  std::map<DnsName, std::vector<Value>> zone_;
};

/// A DNS with one record, of example.org.
class RecordResolver final : public Resolver {
 public:
  explicit RecordResolver(std::string text) : text_(std::move(text)) {}

  DnsAnswerRef resolve(const DnsQuestion& question, Deadline, Freshness) override {
    DnsAnswer answer;
    answer.status = DnsStatus::nxdomain;
    if (question.name == name_of("example.org")) answer.status = DnsStatus::no_data;
    if (answer.status == DnsStatus::no_data && question.type == RrType::txt) {
      answer.status = DnsStatus::success;
      answer.records = {TxtRecord{text_}};
    }
    return std::make_shared<const DnsAnswer>(std::move(answer));
  }
  using Resolver::resolve;
  void prefetch(const DnsQuestion&) override {}

 private:
  std::string text_;
};

/// What is wrong with the outcome of a case; empty: nothing.
std::string difference(const Value& test, const SpfOutcome& outcome) {
  const auto expected = test.at("expect").texts();
  const std::string result(to_string(outcome.result));
  if (std::find(expected.begin(), expected.end(), result) == expected.end())
    return "expected " + expected.front() + ", got " + result + ", " + outcome.reason.text();
  if (!test.find("explanation")) return {};
  std::string explanation = test.at("explanation").text();
  if (explanation == "DEFAULT") explanation.clear();
  if (outcome.explanation == explanation) return {};
  return "expected explanation \"" + explanation + "\", got \"" + outcome.explanation + "\"";
}

SpfOutcome evaluate(const Value& suite, const Value& test) {
  ScenarioResolver resolver(suite.at("zones").at(test.at("zone").text()));
  SpfRequest request;
  request.client = IpAddress::parse(test.at("ip").text()).value();
  request.helo = parse_helo(test.at("helo").text());
  request.mail_from = parse_reverse_path(test.at("mailfrom").text());
  return check_mail_from(request, resolver);
}

/// Cases on which published implementations disagree are shown and not counted.
bool run_suite(const std::string& name, const Value& suite) {
  std::size_t total = 0;
  std::size_t passed = 0;
  for (const Value& test : suite.at("cases").list()) {
    const std::string problem = difference(test, evaluate(suite, test));
    const bool contested = test.text_or("status", "firm") != "firm";
    if (!problem.empty())
      std::printf("%s %s: %s\n", contested ? "contested" : "FAILED", test.at("id").text().c_str(),
                  problem.c_str());
    if (contested) continue;
    ++total;
    if (problem.empty()) ++passed;
  }
  std::printf("%s: %zu of %zu\n", name.c_str(), passed, total);
  return passed == total && total > 0;
}

/// Whether each record of a syntax suite is refused as a whole, or evaluated.
bool run_records(const std::string& name, const Value& suite) {
  std::size_t total = 0;
  std::size_t passed = 0;
  for (const Value& test : suite.at("cases").list()) {
    if (test.text_or("status", "firm") != "firm") continue;
    ++total;
    RecordResolver resolver(octets(test.at("record").text()));
    SpfRequest request;
    request.client = IpAddress::parse("192.0.2.1").value();
    request.mail_from = parse_reverse_path("user@example.org");
    SpfLimits limits;
    limits.void_lookups = 100;
    const SpfOutcome outcome = check_mail_from(request, resolver, limits);
    const bool refused =
        outcome.result == SpfResult::none || outcome.reason.code() == SpfReason::syntax_error;
    if (refused != test.at("valid").truth()) {
      ++passed;
    } else {
      std::printf("FAILED \"%s\": %s\n", test.at("record").text().c_str(),
                  outcome.reason.text().c_str());
    }
  }
  std::printf("%s: %zu of %zu\n", name.c_str(), passed, total);
  return passed == total && total > 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  const std::filesystem::path root = argv[1];
  const struct {
    const char* name;
    const char* file;
    bool (*run)(const std::string& name, const Value& suite);
  } suites[] = {{"spf-rfc7208", "cases-spf-rfc7208.json", run_suite},
                {"spf-syntax", "cases-parse.json", run_records}};
  bool agreed = true;
  bool ran = false;
  for (const auto& suite : suites) {
    const auto file = File::read(root / suite.name / suite.file);
    if (!file) {
      std::printf("skipped: there is no %s\n", (root / suite.name / suite.file).c_str());
      continue;
    }
    agreed = suite.run(suite.name, file->root()) && agreed;
    ran = true;
  }
  if (!agreed) return 1;
  return ran ? 0 : kSkipped;
} catch (const std::exception& e) {
  std::fprintf(stderr, "spf_suite: %s\n", e.what());
  return 1;
}
