#include <authmilter/dns.h>

#include <algorithm>

namespace authmilter {

DnsAnswerRef RecordingResolver::resolve(const DnsQuestion& question, Deadline deadline) {
  DnsAnswerRef answer = inner_.resolve(question, deadline);
  // A question asked again is written down again only when the answer has changed.
  const bool known = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.question == question && entry.answer->status == answer->status &&
           entry.answer->fault == answer->fault;
  });
  if (!known) entries_.push_back({question, answer});
  return answer;
}

}  // namespace authmilter
