#include "spf/client_names.h"

#include <algorithm>
#include <chrono>

namespace authmilter::spf {
namespace {

constexpr std::chrono::seconds kTime{5};  // for all names together

bool is_equal_or_below(const DnsName& name, const DnsName& ancestor) {
  const std::string& text = name.text();
  const std::string& end = ancestor.text();
  if (!text.ends_with(end)) return false;
  return text.size() == end.size() || text[text.size() - end.size() - 1] == '.';
}

}  // namespace

void ClientNames::load() {
  if (pointers_) return;
  own_time_.emplace(dns_.within(kTime));
  const auto name = DnsName::parse(client_.reverse_name());
  pointers_ = name ? own_time_->resolve(*name, RrType::ptr)
                   : std::make_shared<const DnsAnswer>(DnsAnswer::failed(DnsFault::malformed));
  // RFC 7208 section 4.6.4: of more than ten PTR records the first ten are used. No permerror: the
  // domain's owner has no say in them.
  auto pointers = pointers_->all<PtrRecord>();
  if (pointers.size() > limit_) pointers.resize(limit_);
  for (PtrRecord& pointer : pointers)
    if (!pointer.target.is_root()) candidates_.push_back({std::move(pointer.target)});
}

bool ClientNames::confirmed(Candidate& candidate) {
  if (candidate.state == Candidate::State::unasked) {
    const auto answer =
        own_time_->resolve(candidate.name, client_.is_v4() ? RrType::a : RrType::aaaa);
    const auto addresses = answer->addresses();
    // RFC 7208 section 5.5: a name whose lookup fails is skipped.
    const bool found = std::find(addresses.begin(), addresses.end(), client_) != addresses.end();
    candidate.state = found ? Candidate::State::confirmed : Candidate::State::refuted;
  }
  return candidate.state == Candidate::State::confirmed;
}

bool ClientNames::any_within(const DnsName& target) {
  load();
  return std::any_of(candidates_.begin(), candidates_.end(), [&](Candidate& candidate) {
    return is_equal_or_below(candidate.name, target) && confirmed(candidate);
  });
}

bool ClientNames::void_lookup() {
  load();
  return pointers_->void_lookup();
}

std::string ClientNames::best_for(const DnsName& domain) {
  load();
  for (Candidate& candidate : candidates_)
    if (candidate.name == domain && confirmed(candidate)) return candidate.name.text();
  for (Candidate& candidate : candidates_)
    if (is_equal_or_below(candidate.name, domain) && confirmed(candidate))
      return candidate.name.text();
  for (Candidate& candidate : candidates_)
    if (confirmed(candidate)) return candidate.name.text();
  return "unknown";
}

}  // namespace authmilter::spf
