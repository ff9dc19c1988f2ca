#include "audit/facts_collector.h"

#include <algorithm>
#include <memory>

namespace authmilter {
namespace {

// What is published decides how many names are asked for. A domain with ten mail hosts, all usual
// selectors and an SPF record at its limits has about 400.
constexpr std::size_t kMostQuestions = 1500;

}  // namespace

DnsAnswerRef FactsCollector::known(const DnsQuestion& question) {
  const auto found = facts_.find(question);
  if (found == facts_.end()) return nullptr;
  return {std::shared_ptr<void>(), &found->second};
}

DnsAnswerRef FactsCollector::resolve(const DnsQuestion& question, Deadline deadline,
                                     Freshness freshness) {
  if (DnsAnswerRef answer = known(question)) return answer;
  if (facts_.size() >= kMostQuestions)
    return std::make_shared<const DnsAnswer>(DnsAnswer::failed(DnsFault::limit));
  const DnsAnswerRef answer = inner_.resolve(question, std::min(deadline, deadline_), freshness);
  facts_.emplace(question, *answer);
  return known(question);
}

void FactsCollector::prefetch(const DnsQuestion& question) {
  if (known(question) == nullptr) inner_.prefetch(question);
}

}  // namespace authmilter
