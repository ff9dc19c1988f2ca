#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <authmilter/zone_resolver.h>

namespace authmilter {

/// A resolver that does in a test what it is told, and writes down what it was asked. Answers as
/// its zone does where the script has no answer.
class ScriptedResolver final : public Resolver {
 public:
  struct Asked {
    DnsQuestion question;
    Deadline deadline;
    Freshness freshness;
  };
  using Script = std::function<DnsAnswerRef(const DnsQuestion&, Deadline)>;  // may throw

  explicit ScriptedResolver(std::string_view zone, Script script = nullptr)
      : script_(std::move(script)), zone_(make_test_resolver(zone)) {}

  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override {
    asked_.push_back({question, deadline, freshness});
    DnsAnswerRef answer = script_ ? script_(question, deadline) : nullptr;
    return answer != nullptr ? answer : zone_->resolve(question, deadline, freshness);
  }
  using Resolver::resolve;
  void prefetch(const DnsQuestion& question) override {
    prefetched_.push_back(question);
  }

  const std::vector<Asked>& asked() const { return asked_; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Asked& asked : asked_) names.push_back(asked.question.name.text());
    return names;
  }
  const std::vector<DnsQuestion>& prefetched() const { return prefetched_; }
  std::vector<std::string> prefetched_names() const {
    std::vector<std::string> names;
    for (const DnsQuestion& question : prefetched_) names.push_back(question.name.text());
    return names;
  }

  // What a script may answer.

  static DnsAnswerRef status(DnsStatus status, DnsFault fault = DnsFault::none) {
    DnsAnswer answer;
    answer.status = status;
    answer.fault = fault;
    return std::make_shared<const DnsAnswer>(std::move(answer));
  }
  static DnsAnswerRef record(DnsRecord record) {
    DnsAnswer answer;
    answer.status = DnsStatus::success;
    answer.records.push_back(std::move(record));
    return std::make_shared<const DnsAnswer>(std::move(answer));
  }
  /// Waits; null once the time has passed, and a temperror where the deadline comes first.
  static DnsAnswerRef after(std::chrono::milliseconds delay, Deadline deadline) {
    const auto ready = std::chrono::steady_clock::now() + delay;
    std::this_thread::sleep_until(std::min(ready, deadline));
    return deadline < ready ? status(DnsStatus::temperror, DnsFault::limit) : nullptr;
  }

 private:
  const Script script_;
  const std::unique_ptr<Resolver> zone_;
  std::vector<Asked> asked_;
  std::vector<DnsQuestion> prefetched_;
};

}  // namespace authmilter
