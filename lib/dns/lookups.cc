#include "dns/lookups.h"

namespace authmilter {

DnsAnswerRef Lookup::wait_until(Deadline until) {
  std::unique_lock lock(mutex_);
  finished_.wait_until(lock, until, [this] { return answer_ != nullptr; });
  return answer_;
}

void Lookup::finish(DnsAnswerRef answer) {
  {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  finished_.notify_all();
}

Lookups::Joined Lookups::join(const DnsQuestion& question, Deadline now) {
  const std::lock_guard lock(mutex_);
  if (const auto found = lookups_.find(question); found != lookups_.end())
    return {found->second, false};
  if (lookups_.size() >= limit_) return {};
  auto lookup = std::make_shared<Lookup>(question, now);
  lookups_.emplace(question, lookup);
  return {std::move(lookup), true};
}

void Lookups::finish(const LookupRef& lookup, DnsAnswerRef answer) {
  {
    const std::lock_guard lock(mutex_);
    lookups_.erase(lookup->question());
  }
  lookup->finish(std::move(answer));
}

void Lookups::finish_all(const DnsAnswerRef& answer) {
  std::map<DnsQuestion, LookupRef> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(lookups_);
  }
  for (const auto& [question, lookup] : left) lookup->finish(answer);
}

}  // namespace authmilter
