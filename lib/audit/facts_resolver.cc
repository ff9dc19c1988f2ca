#include <memory>

#include <authmilter/audit_facts.h>

namespace authmilter {

DnsAnswerRef FactsResolver::known(const DnsQuestion& question) {
  const auto found = facts_.find(question);
  if (found == facts_.end()) return nullptr;
  // The facts own their answers. So what is parsed of one stays with it from rule to rule.
  return {std::shared_ptr<void>(), &found->second};
}

DnsAnswerRef FactsResolver::resolve(const DnsQuestion& question, Deadline, Freshness) {
  if (DnsAnswerRef answer = known(question)) return answer;
  return std::make_shared<const DnsAnswer>(DnsAnswer::failed(DnsFault::limit));
}

}  // namespace authmilter
