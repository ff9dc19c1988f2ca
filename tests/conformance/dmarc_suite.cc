// Runs the evaluations of two other engines against evaluate_dmarc(): the suites `dmarc-mailauth`
// and `dmarc-kumomta` of the directory given. Exit 0 when all is as it must be, 1 when not, 77 when
// the suites are not there.

#include <authmilter/dmarc.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "published_json.h"

using namespace authmilter;
using published::File;
using published::Value;

namespace {

using Method = AuthenticatedIdentifier::Method;

/// A case's own DNS. Exactly the names that it lists exist.
class CaseResolver final : public Resolver {
 public:
  void exists(const std::string& name) { names_.try_emplace(name); }
  void add_text(const std::string& name, std::string text) {
    names_[name].texts.push_back(std::move(text));
  }
  void fail(const std::string& name, DnsFault fault) { names_[name].fault = fault; }
  void fail_others(DnsFault fault) { others_ = fault; }

  using Resolver::resolve;
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline, Freshness) override {
    const auto found = names_.find(question.name.text());
    const DnsFault fault = found == names_.end() ? others_ : found->second.fault;
    DnsAnswer answer = DnsAnswer::failed(fault);
    if (fault == DnsFault::none) {
      answer.status = found == names_.end() ? DnsStatus::nxdomain : DnsStatus::no_data;
      if (found != names_.end() && question.type == RrType::txt && !found->second.texts.empty()) {
        answer.status = DnsStatus::success;
        for (const auto& text : found->second.texts) answer.records.push_back(TxtRecord{text});
      }
    }
    return std::make_shared<const DnsAnswer>(std::move(answer));
  }
  void prefetch(const DnsQuestion&) override {}

 private:
  struct Node {
    DnsFault fault = DnsFault::none;
    std::vector<std::string> texts;
  };
  std::map<std::string, Node> names_;
  DnsFault others_ = DnsFault::none;
};

std::string joined(const Value& strings) {
  std::string text;
  for (const std::string& string : strings.texts()) text += string;
  return text;
}

/// Nothing for the codes that mean that there is no such name or data.
std::optional<DnsFault> fault_named(const std::string& code) {
  if (code == "ETIMEOUT") return DnsFault::timeout;
  if (code == "ESERVFAIL") return DnsFault::servfail;
  return std::nullopt;
}

/// "user@example.com" or the domain alone.
std::optional<DomainName> domain_of(const std::string& address) {
  return DomainName::parse(address.substr(address.rfind('@') + 1));
}

struct Tally {
  std::string suite;
  int passed = 0, failed = 0;
  std::map<std::string, int> skipped = {};  // why -> assertions

  void report() const {
    for (const auto& [why, count] : skipped)
      std::printf("%s: skipped %d x %s\n", suite.c_str(), count, why.c_str());
    std::printf("%s: %d of %d\n", suite.c_str(), passed, passed + failed);
  }
};

// ----- dmarc-mailauth -----

// What is asserted there and lies outside of evaluate_dmarc().
constexpr struct {
  std::string_view subject;
  const char* why;
} kOutside[] = {
    {"pct", "pct (unknown tag, RFC 9989 section 4.7)"},
    {"ri", "ri (unknown tag, RFC 9989 section 4.7)"},
    {"info", "text of the results field (results/)"},
    {"status.comment", "text of the results field (results/)"},
    {"alignment.dkim.underSized", "l= is for dkim/ to judge"},
};

std::vector<Value> list_or_none(const Value& object, const char* name) {
  const auto list = object.find(name);
  return list ? list->list() : std::vector<Value>();
}

/// Fills `resolver` with the zone of a call.
void load_zone(const Value& call, CaseResolver& resolver) {
  for (const auto& [name, types] : call.at("zone").members()) {
    resolver.exists(name);
    const auto texts = types.find("TXT");
    if (!texts) continue;
    if (texts->is_object()) {
      if (const auto fault = fault_named(texts->at("error").text())) resolver.fail(name, *fault);
      continue;
    }
    for (const Value& strings : texts->list()) resolver.add_text(name, joined(strings));
  }
  for (const Value& code : list_or_none(call, "zone_default")) {
    if (const auto fault = fault_named(code.text())) resolver.fail_others(*fault);
  }
}

std::vector<AuthenticatedIdentifier> identifiers_of(const Value& input) {
  std::vector<AuthenticatedIdentifier> identifiers;
  const auto add = [&](const char* key, Method method) {
    for (const Value& entry : list_or_none(input, key)) {
      const std::string text = entry.is_text() ? entry.text() : entry.at("domain").text();
      if (const auto domain = DomainName::parse(text)) identifiers.push_back({method, *domain});
    }
  };
  add("dkimDomains", Method::dkim);
  add("spfDomains", Method::spf);
  return identifiers;
}

/// Nothing when the From field is not for evaluate_dmarc(): it has more than one author.
std::optional<DmarcOutcome> evaluate(const Value& call) {
  const Value from = call.at("input").at("headerFrom");
  if (from.is_list() && from.list().size() != 1) return std::nullopt;
  const auto author = domain_of(from.is_list() ? from.texts().front() : from.text());
  if (!author) return std::nullopt;
  CaseResolver resolver;
  load_zone(call, resolver);
  auto discovery = discover_dmarc(*author, resolver);
  return evaluate_dmarc(discovery, identifiers_of(call.at("input")));
}

/// A property as mailauth has it, which is null, a truth or a text.
using Property = std::variant<std::monostate, bool, std::string>;

Property text_or_null(const std::optional<DomainName>& name) {
  return name ? Property(name->text()) : Property();
}

Property text_of(std::string_view text) { return std::string(text); }

std::string json_of(const Property& property) {
  if (const bool* truth = std::get_if<bool>(&property)) return *truth ? "true" : "false";
  const auto* text = std::get_if<std::string>(&property);
  return text ? "\"" + *text + "\"" : "null";
}

bool equals(const Property& property, const Value& value) {
  if (std::holds_alternative<std::monostate>(property)) return value.is_null();
  const auto* text = std::get_if<std::string>(&property);
  if (text != nullptr) return value.is_text() && value.text() == *text;
  return value.json() == json_of(property);
}

/// The one domain of `method` if it aligned: mailauth's `alignment.<method>.result`.
Property aligned_domain(const Value& input, Method method, bool aligned) {
  Property domain;
  for (const auto& identifier : identifiers_of(input)) {
    if (identifier.method == method && aligned && domain == Property())
      domain = identifier.domain.text();
  }
  return domain;
}

Property requested(const std::optional<AssessmentPolicy>& policy) {
  return policy ? text_of(to_string(*policy)) : Property();
}

/// What we have for one of mailauth's properties; nothing for a property that is not known here.
std::optional<Property> property(const Value& input, const DmarcOutcome& outcome,
                                 const std::string& name) {
  const bool dmarc_applies = outcome.policy_domain.has_value();
  const auto& record = outcome.record;
  if (name == "status.result") return text_of(to_string(outcome.result));
  if (name == "status.header.from") return text_or_null(outcome.author_domain);
  if (name == "status.header.d") return text_or_null(outcome.policy_domain);
  if (name == "domain") return text_or_null(outcome.organizational_domain);
  if (name == "policy") return dmarc_applies ? text_of(to_string(outcome.policy)) : Property();
  if (name == "rr") return text_of(record ? record->text : "");
  if (name == "error")
    return outcome.reason.fault() == DnsFault::timeout ? text_of("DNS timeout") : Property();
  if (name == "testMode") return Property(record && record->testing);
  if (name == "alignment.dkim.result")
    return aligned_domain(input, Method::dkim, outcome.dkim_aligned);
  if (name == "alignment.spf.result")
    return aligned_domain(input, Method::spf, outcome.spf_aligned);
  if (!record) return std::nullopt;
  if (name == "p") return requested(record->p);
  if (name == "sp") return requested(record->sp);
  if (name == "np") return requested(record->np);
  if (name == "alignment.dkim.strict") return Property(record->adkim == AlignmentMode::strict);
  if (name == "alignment.spf.strict") return Property(record->aspf == AlignmentMode::strict);
  return std::nullopt;
}

bool truthy(const Property& value) {
  return value != Property() && value != Property(false) && value != text_of("");
}

bool is_negated(const Value& assertion) {
  const auto negated = assertion.find("not");
  return negated && negated->truth();
}

/// Nothing for an operator that is not known here.
std::optional<bool> holds(const Value& assertion, const Property& value) {
  const std::string op = assertion.at("op").text();
  bool held = false;
  if (op == "equal") {
    held = equals(value, assertion.at("value"));
  } else if (op == "true" || op == "ok") {
    held = truthy(value);
  } else if (op == "false" || op == "undefined") {
    held = !truthy(value);
  } else {
    return std::nullopt;
  }
  return held != is_negated(assertion);
}

std::optional<Value> call_named(const Value& test, const std::string& id) {
  for (const Value& call : test.at("calls").list()) {
    if (call.at("id").text() == id) return call;
  }
  return std::nullopt;
}

void run_mailauth_test(const Value& test, Tally& tally) {
  const std::string title = test.at("name").text();
  bool failed = false;
  int checked = 0;
  for (const Value& assertion : test.at("asserts").list()) {
    const std::string subject = assertion.at("subject").text();
    const std::string id = subject.substr(0, subject.find('.'));
    const std::string name = id == subject ? "" : subject.substr(id.size() + 1);
    const char* outside = nullptr;
    for (const auto& row : kOutside) {
      if (row.subject == name) outside = row.why;
    }
    if (outside != nullptr) {
      ++tally.skipped[outside];
      continue;
    }
    const auto call = call_named(test, id);
    if (!call || call->at("fn").text() != "verifyDmarc") {
      ++tally.skipped["no evaluation: " + subject];
      continue;
    }
    const auto outcome = evaluate(*call);
    if (!outcome) {
      ++tally.skipped["the Author Domain is for message/ to find"];
      continue;
    }
    const auto value = property(call->at("input"), *outcome, name);
    const auto held = value ? holds(assertion, *value) : std::nullopt;
    ++checked;
    if (held == true) continue;
    failed = true;
    std::printf("dmarc-mailauth: \"%s\": %s: want %s%s %s, have %s (%s)\n", title.c_str(),
                subject.c_str(), is_negated(assertion) ? "not " : "",
                assertion.at("op").text().c_str(), assertion.at("value").json().c_str(),
                value ? json_of(*value).c_str() : "no such property",
                outcome->reason.text().c_str());
  }
  if (failed) {
    ++tally.failed;
  } else if (checked > 0) {
    ++tally.passed;
  }
}

// ----- dmarc-kumomta -----

// The suite is of RFC 7489. Where RFC 9989 comes to something else, what it wants and why.
constexpr struct {
  std::string_view id;
  const char* result;
  const char* policy;
  const char* why;
} kDifferent[] = {
    {"dmarc_dkim_relaxed_subdomain", "fail", "reject",
     "RFC 9989 section 4.10.2 rule 3: the only record is sample.example.com's, so that is the "
     "Organizational Domain"},
    {"dmarc_dkim_relaxed_subdomain_deep", "fail", "reject",
     "RFC 9989 section 4.10.2 rule 3: the only record is a.b.c.sample.example.com's, so that is "
     "the Organizational Domain"},
};

void add_kumomta_zone(const Value& zone, CaseResolver& resolver) {
  for (const auto& [name, records] : zone.members()) {
    resolver.exists(name);
    for (const Value& record : records.list()) {
      if (record.at("type").text() == "TXT") resolver.add_text(name, joined(record.at("data")));
    }
  }
}

std::vector<AuthenticatedIdentifier> kumomta_identifiers(const Value& test) {
  std::vector<AuthenticatedIdentifier> identifiers;
  const auto add = [&](const Value& entry, const char* key, Method method) {
    const auto domain = DomainName::parse(entry.at(key).text());
    const std::string result = entry.at("result").text();
    if (!domain || (result != "pass" && result != "temperror")) return;
    using State = AuthenticatedIdentifier::State;
    identifiers.push_back({method, *domain, result == "pass" ? State::pass : State::temperror});
  };
  add(test.at("spf"), "domain", Method::spf);
  for (const Value& signature : test.at("dkim").list()) add(signature, "d", Method::dkim);
  return identifiers;
}

void run_kumomta_case(const Value& test, Tally& tally) {
  const std::string id = test.at("id").text();
  std::string result = test.at("expect").at("dmarc").text();
  const Value wanted = test.at("expect").at("policy");
  std::string policy = wanted.is_null() ? "" : wanted.text();
  for (const auto& row : kDifferent) {
    if (row.id != id) continue;
    std::printf("dmarc-kumomta: %s: %s, not %s: %s\n", id.c_str(), row.result, result.c_str(),
                row.why);
    result = row.result;
    policy = row.policy;
  }
  CaseResolver resolver;
  add_kumomta_zone(test.at("zone"), resolver);
  const auto author = domain_of(test.at("from").text());
  auto discovery = discover_dmarc(author.value(), resolver);
  const auto outcome = evaluate_dmarc(discovery, kumomta_identifiers(test));
  // There the policy is told of a failure only.
  const bool good = to_string(outcome.result) == result &&
                    (policy.empty() || policy == to_string(outcome.policy));
  ++(good ? tally.passed : tally.failed);
  if (!good)
    std::printf("dmarc-kumomta: %s: want %s %s, have %s %s (%s)\n", id.c_str(), result.c_str(),
                policy.c_str(), std::string(to_string(outcome.result)).c_str(),
                std::string(to_string(outcome.policy)).c_str(), outcome.reason.text().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: dmarc_suite TESTDATA\n");
    return 64;
  }
  const std::filesystem::path testdata(argv[1]);
  const auto kumomta = File::read(testdata / "dmarc-kumomta" / "cases-dmarc-kumomta.json");
  if (!kumomta || !std::filesystem::is_directory(testdata / "dmarc-mailauth")) {
    std::printf("no dmarc-mailauth and dmarc-kumomta in %s\n", argv[1]);
    return 77;
  }

  Tally mailauth_tally{"dmarc-mailauth"};
  for (const auto& entry : std::filesystem::directory_iterator(testdata / "dmarc-mailauth")) {
    if (entry.path().extension() != ".json") continue;
    const auto tests = File::read(entry.path());
    for (const Value& test : tests.value().root().list()) run_mailauth_test(test, mailauth_tally);
  }
  Tally kumomta_tally{"dmarc-kumomta"};
  for (const Value& test : kumomta->root().at("cases").list())
    run_kumomta_case(test, kumomta_tally);

  mailauth_tally.report();
  kumomta_tally.report();
  const bool all_there = mailauth_tally.passed > 0 && kumomta_tally.passed > 0;
  return all_there && mailauth_tally.failed == 0 && kumomta_tally.failed == 0 ? 0 : 1;
}
