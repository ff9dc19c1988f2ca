#include <authmilter/recording_resolver.h>

#include <algorithm>
#include <chrono>

namespace authmilter {

DnsAnswerRef RecordingResolver::resolve(const DnsQuestion& question, Deadline deadline,
                                        Freshness freshness) {
  const auto asked = std::chrono::steady_clock::now();
  DnsAnswerRef answer = inner_.resolve(question, deadline, freshness);
  const auto waited = std::chrono::steady_clock::now() - asked;
  // A question asked again is written down again only when the answer has changed.
  const bool known = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.question == question && entry.answer->status == answer->status &&
           entry.answer->fault == answer->fault;
  });
  if (!known) {
    entries_.push_back(
        {question, answer, std::chrono::duration_cast<std::chrono::microseconds>(waited)});
  }
  return answer;
}

}  // namespace authmilter
