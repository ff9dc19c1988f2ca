#include "log/detail_log.h"

#include <authmilter/other_methods.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace authmilter {
namespace {

// Of one message: its 60 questions, 10 signatures evaluated of 100, two SPF evaluations and a walk
// fit as a rule; what does not is counted.
constexpr std::size_t kLines = 200;
// A look into the cache takes less than that, a way over the network more.
constexpr auto kAtHand = std::chrono::microseconds(200);

template <class Name>
std::string text_of(const std::optional<Name>& name) {
  return name ? name->text() : "-";
}

void append(std::string& list, const std::string& item) {
  if (!list.empty()) list += ", ";
  list += item;
}

/// What was found, in the order it came; the log cuts it.
std::string data_of(const DnsAnswer& answer) {
  std::string text;
  for (const DnsRecord& record : answer.records) append(text, to_string(record));
  return text;
}

class Lines {
 public:
  explicit Lines(std::string queue_id) : queue_id_(std::move(queue_id)) {}

  bool full() const { return lines_.size() >= kLines; }
  void leave_out(std::size_t lines) { left_out_ += lines; }
  void add(const char* text, LogFields fields) {
    if (full()) return leave_out(1);
    fields.insert(fields.begin(), {"id", queue_id_});
    lines_.push_back({LogLevel::debug, {}, text, std::move(fields)});
  }
  std::vector<LogLine> take() {
    if (left_out_ > 0) {
      lines_.push_back({LogLevel::debug,
                        {},
                        "details left out",
                        {{"id", queue_id_}, {"count", static_cast<std::int64_t>(left_out_)}}});
    }
    return std::move(lines_);
  }

 private:
  std::string queue_id_;
  std::vector<LogLine> lines_;
  std::size_t left_out_ = 0;
};

void add_lookups(Lines& lines, const std::vector<RecordingResolver::Entry>& lookups) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  for (const RecordingResolver::Entry& entry : lookups) {
    LogFields fields = {{"name", entry.question.name.text()},
                        {"type", std::string(to_string(entry.question.type))},
                        {"status", std::string(to_string(entry.answer->status))}};
    if (entry.answer->fault != DnsFault::none)
      fields.push_back({"fault", std::string(to_string(entry.answer->fault))});
    fields.push_back({"dnssec", std::string(entry.answer->secure ? "yes" : "no")});
    // Without a wait the answer was in the cache, or had come since it was asked for in advance.
    fields.push_back({"waited", std::string(entry.waited < kAtHand ? "no" : "yes")});
    fields.push_back({"ms", duration_cast<milliseconds>(entry.waited).count()});
    const std::string data = data_of(*entry.answer);
    if (!data.empty()) fields.push_back({"data", data});
    lines.add("dns", std::move(fields));
  }
}

void add_spf(Lines& lines, const SpfOutcome& outcome) {
  for (const SpfStep& step : outcome.steps) {
    lines.add("spf term", {{"identity", std::string(to_string(outcome.identity))},
                           {"domain", step.domain},
                           {"term", step.term},
                           {"outcome", step.outcome}});
  }
  lines.add("spf", {{"identity", std::string(to_string(outcome.identity))},
                    {"domain", text_of(outcome.domain)},
                    {"result", std::string(to_string(outcome.result))},
                    {"reason", outcome.reason.text()},
                    {"mechanism", outcome.mechanism},
                    {"lookups", static_cast<std::int64_t>(outcome.lookups)},
                    {"void_lookups", static_cast<std::int64_t>(outcome.void_lookups)}});
}

void add_dkim(Lines& lines, const DkimOutcome& outcome) {
  LogFields fields = {{"domain", text_of(outcome.domain)},
                      {"selector", text_of(outcome.selector)},
                      {"identity", outcome.identity},
                      {"algorithm", outcome.algorithm},
                      {"key_bits", static_cast<std::int64_t>(outcome.key_bits)},
                      {"dnssec", std::string(outcome.dnssec ? "yes" : "no")},
                      {"result", std::string(to_string(outcome.result))},
                      {"reason", outcome.reason.text()}};
  std::string notes;
  for (const std::string& note : outcome.notes) append(notes, note);
  if (!notes.empty()) fields.push_back({"notes", notes});
  lines.add("dkim", std::move(fields));
}

void add_dmarc(Lines& lines, const DmarcOutcome& outcome) {
  for (const WalkStep& step : outcome.walk)
    lines.add("dmarc walk", {{"name", "_dmarc." + step.name.text()}, {"outcome", step.outcome}});
  LogFields fields = {
      {"author", text_of(outcome.author_domain)},
      {"organization", text_of(outcome.organizational_domain)},
      {"record_at", text_of(outcome.policy_domain)},
      {"record", outcome.record ? outcome.record->text : std::string()},
      {"policy", std::string(to_string(outcome.policy))},
      {"policy_tag", std::string(outcome.policy_tag ? to_string(*outcome.policy_tag) : "")},
      {"spf_aligned", std::string(outcome.spf_aligned ? "yes" : "no")},
      {"dkim_aligned", std::string(outcome.dkim_aligned ? "yes" : "no")},
      {"result", std::string(to_string(outcome.result))},
      {"reason", outcome.reason.text()}};
  std::string notes;
  for (const std::string& note : outcome.notes) append(notes, note);
  if (!notes.empty()) fields.push_back({"notes", notes});
  lines.add("dmarc", std::move(fields));
}

void add_method(Lines& lines, const MethodFinding& method) {
  LogFields fields = {{"result", method.entry.result}, {"reason", method.reason}};
  std::string details;
  for (const auto& [label, text] : method.details)
    append(details, std::string(label).append(": ").append(text));
  if (!details.empty()) fields.push_back({"details", details});
  lines.add(method.entry.method.c_str(), std::move(fields));
}

/// What each override by itself would have made of the message.
void add_overrides(Lines& lines, const Findings& findings, const PolicyConfig& policy) {
  for (std::size_t i = 0; i < policy.overrides.size(); ++i) {
    if (lines.full()) return lines.leave_out(policy.overrides.size() - i);
    const PolicyConfig alone{policy.actions, policy.tag_subject, {policy.overrides[i]}};
    const Decision decision = decide(findings, alone);
    lines.add("override", {{"number", static_cast<std::int64_t>(i + 1)},
                           {"decides", std::string(decision.by_override ? "yes" : "no")},
                           {"action", std::string(to_string(decision.disposition))}});
  }
}

}  // namespace

std::vector<LogLine> detail_lines(const MessageVerdict& verdict, const PolicyConfig& policy,
                                  const std::string& queue_id) {
  Lines lines(queue_id);
  add_lookups(lines, verdict.lookups);
  for (const SpfOutcome& outcome : verdict.findings.spf) add_spf(lines, outcome);
  for (const DkimOutcome& outcome : verdict.findings.dkim) add_dkim(lines, outcome);
  add_dmarc(lines, verdict.findings.dmarc);
  for (const MethodFinding& method : other_methods(verdict.findings)) add_method(lines, method);
  add_overrides(lines, verdict.findings, policy);
  lines.add("decision", {{"rule", rule_text(verdict.decision)},
                         {"reason", verdict.decision.reason},
                         {"policy", std::string(to_string(verdict.decision.disposition))},
                         {"action", std::string(to_string(verdict.disposition))},
                         {"changes", static_cast<std::int64_t>(verdict.edits.size())}});
  return lines.take();
}

std::vector<LogLine> detail_lines(const MessageRecord& record, const Config& config) {
  const auto* verdict = record.verdict();
  if (verdict == nullptr || config.log.level != LogLevel::debug) return {};
  return detail_lines(*verdict, config.policy, record.queue_id);
}

}  // namespace authmilter
