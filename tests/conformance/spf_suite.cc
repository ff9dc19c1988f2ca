// Runs the published SPF suites through the public interface: `spf_suite DIRECTORY`, the folder of
// the suites. Exit status: 0, all cases agree; 1, some do not; 77, no suite is there.

#include <authmilter/spf.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

using namespace authmilter;
using nlohmann::json;

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

std::string joined(const json& strings) {
  std::string out;
  for (const json& text : strings) out += octets(text.get<std::string>());
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
  explicit ScenarioResolver(const json& zone) {
    for (const auto& [name, records] : zone.items()) {
      if (const auto key = DnsName::parse(name)) zone_[*key] = &records;
    }
  }

  DnsAnswerRef resolve(const DnsQuestion& question, Deadline, Freshness) override {
    DnsName name = question.name;
    for (int hops = 0; hops < kCnameLimit; ++hops) {
      const auto found = zone_.find(name);
      if (found == zone_.end()) return status(DnsStatus::nxdomain);
      const auto target = cname(*found->second);
      if (!target) return answer(*found->second, question.type);
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

  static std::optional<DnsName> cname(const json& records) {
    for (const json& record : records)
      if (record.value("type", "") == "CNAME") return name_of(record["data"].get<std::string>());
    return std::nullopt;
  }

  static DnsAnswerRef answer(const json& records, RrType type) {
    DnsAnswer answer;
    answer.status = DnsStatus::no_data;
    bool fault = false;
    for (const json& record : records) {
      fault = fault || record.contains("fault");
      if (record.value("type", "") != to_string(type)) continue;
      answer.status = DnsStatus::success;
      answer.records.push_back(ScenarioResolver::record(type, record["data"]));
    }
    if (answer.status == DnsStatus::no_data && fault) answer = DnsAnswer::failed(DnsFault::timeout);
    // As a Resolver hands them out (RFC 5321 section 5.1), by this suite's own reading.
    std::stable_sort(answer.records.begin(), answer.records.end(), [](const auto& a, const auto& b) {
      const auto* first = std::get_if<MxRecord>(&a);
      const auto* second = std::get_if<MxRecord>(&b);
      return first != nullptr && second != nullptr && first->preference < second->preference;
    });
    return std::make_shared<const DnsAnswer>(std::move(answer));
  }

  static DnsRecord record(RrType type, const json& data) {
    switch (type) {
      case RrType::a:
        return ARecord{IpAddress::parse(data.get<std::string>()).value()};
      case RrType::aaaa:
        return AaaaRecord{IpAddress::parse(data.get<std::string>()).value()};
      case RrType::ptr:
        return PtrRecord{name_of(data.get<std::string>())};
      case RrType::mx:
        return MxRecord{data.at(0).get<std::uint16_t>(), name_of(data.at(1).get<std::string>())};
      default:
        return TxtRecord{joined(data)};
    }
  }

  std::map<DnsName, const json*> zone_;
};

/// What is wrong with the outcome of a case; empty: nothing.
std::string difference(const json& test, const SpfOutcome& outcome) {
  const auto expected = test["expect"].get<std::vector<std::string>>();
  const std::string result(to_string(outcome.result));
  if (std::find(expected.begin(), expected.end(), result) == expected.end())
    return "expected " + expected.front() + ", got " + result + ", " + outcome.reason.text();
  if (!test.contains("explanation")) return {};
  std::string explanation = test["explanation"].get<std::string>();
  if (explanation == "DEFAULT") explanation.clear();
  if (outcome.explanation == explanation) return {};
  return "expected explanation \"" + explanation + "\", got \"" + outcome.explanation + "\"";
}

SpfOutcome evaluate(const json& suite, const json& test) {
  ScenarioResolver resolver(suite["zones"].at(test["zone"].get<std::string>()));
  SpfRequest request;
  request.client = IpAddress::parse(test["ip"].get<std::string>()).value();
  request.helo = parse_helo(test["helo"].get<std::string>());
  request.mail_from = parse_reverse_path(test["mailfrom"].get<std::string>());
  return check_mail_from(request, resolver);
}

/// Cases on which published implementations disagree are shown and not counted.
bool run_suite(const std::string& name, const json& suite) {
  std::size_t total = 0;
  std::size_t passed = 0;
  for (const json& test : suite["cases"]) {
    const std::string problem = difference(test, evaluate(suite, test));
    const bool contested = test.value("status", "firm") != "firm";
    if (!problem.empty())
      std::printf("%s %s: %s\n", contested ? "contested" : "FAILED",
                  test["id"].get<std::string>().c_str(), problem.c_str());
    if (contested) continue;
    ++total;
    if (problem.empty()) ++passed;
  }
  std::printf("%s: %zu of %zu\n", name.c_str(), passed, total);
  return passed == total && total > 0;
}

/// Whether each record of a syntax suite is refused as a whole, or evaluated.
bool run_records(const std::string& name, const json& suite) {
  std::size_t total = 0;
  std::size_t passed = 0;
  for (const json& test : suite["cases"]) {
    if (test.value("status", "firm") != "firm") continue;
    ++total;
    const json zone = {
        {"example.org", {{{"type", "TXT"}, {"data", json::array({test["record"]})}}}}};
    ScenarioResolver resolver(zone);
    SpfRequest request;
    request.client = IpAddress::parse("192.0.2.1").value();
    request.mail_from = parse_reverse_path("user@example.org");
    SpfLimits limits;
    limits.void_lookups = 100;
    const SpfOutcome outcome = check_mail_from(request, resolver, limits);
    const bool refused =
        outcome.result == SpfResult::none || outcome.reason.code() == SpfReason::syntax_error;
    if (refused != test["valid"].get<bool>()) {
      ++passed;
    } else {
      std::printf("FAILED \"%s\": %s\n", test["record"].get<std::string>().c_str(),
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
    bool (*run)(const std::string& name, const json& suite);
  } suites[] = {{"spf-rfc7208", "cases-spf-rfc7208.json", run_suite},
                {"spf-syntax", "cases-parse.json", run_records}};
  bool agreed = true;
  bool ran = false;
  for (const auto& suite : suites) {
    std::ifstream stream(root / suite.name / suite.file);
    if (!stream) {
      std::printf("skipped: there is no %s\n", (root / suite.name / suite.file).c_str());
      continue;
    }
    agreed = suite.run(suite.name, json::parse(stream)) && agreed;
    ran = true;
  }
  if (!agreed) return 1;
  return ran ? 0 : kSkipped;
} catch (const std::exception& e) {
  std::fprintf(stderr, "spf_suite: %s\n", e.what());
  return 1;
}
