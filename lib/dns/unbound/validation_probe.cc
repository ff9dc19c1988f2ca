#include "dns/unbound/validation_probe.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "dns/unbound/unsigned_names.h"

namespace authmilter {
namespace {

using namespace std::chrono_literals;

// Bogus answers in a row that make a probe due: from that many top-level domains, or, where a
// private tree has no more than one, that many altogether.
constexpr std::size_t kBogusDomains = 3;
constexpr std::size_t kBogusAnswers = 20;
// However many bogus answers strangers provoke, they cause no more probes than this.
constexpr auto kBetweenProbes = 30s;
// The name servers did not answer: they may be back soon.
constexpr auto kAgainSoon = 5s;
constexpr auto kAgainUnanswered = 30s;
// They showed that it cannot work: that changes when somebody changes them.
constexpr auto kAgainPlain = 5min;

}  // namespace

std::string_view top_level_domain(const DnsName& name) {
  const std::string_view text = name.text();
  const auto dot = text.rfind('.');
  return dot == std::string_view::npos ? text : text.substr(dot + 1);
}

std::vector<ValidationProbe::Question> ValidationProbe::questions() {
  std::vector<Question> all = {{Kind::root_key, 0}};
  for (std::size_t i = 0; i < kCount; ++i) {
    all.push_back({Kind::domain_key, i});
    all.push_back({Kind::control, i});
  }
  return all;
}

void ValidationProbe::answered(const Question& question, ProbeOutcome outcome) {
  switch (question.kind) {
    case Kind::root_key:
      root_ = outcome;
      return;
    case Kind::domain_key:
      keys_[question.domain] = outcome;
      return;
    case Kind::control:
      controls_[question.domain] = outcome;
      return;
  }
}

std::optional<ValidationProbe::Verdict> ValidationProbe::verdict() const {
  const Verdict known = verdict_now();
  if (known == Verdict::works || known == Verdict::stripped) return known;
  if (!root_) return std::nullopt;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!keys_[i] || (keys_[i] == ProbeOutcome::failed && !controls_[i])) return std::nullopt;
  }
  return known;
}

ValidationProbe::Verdict ValidationProbe::verdict_now() const {
  // A root that is proved not to be signed is not the one that the anchor is for.
  if (root_ == ProbeOutcome::bogus || root_ == ProbeOutcome::proved_off) return Verdict::stripped;
  const auto any_key = [&](ProbeOutcome outcome) {
    return std::any_of(std::begin(keys_), std::end(keys_),
                       [&](const auto& key) { return key == outcome; });
  };
  if (any_key(ProbeOutcome::secure)) return Verdict::works;
  if (root_ != ProbeOutcome::secure) return Verdict::unknown;
  bool refused = any_key(ProbeOutcome::bogus);
  bool pending = false;
  for (std::size_t i = 0; i < kCount; ++i) {
    const bool unanswered = !keys_[i] || keys_[i] == ProbeOutcome::failed;
    const bool answers = controls_[i] && controls_[i] != ProbeOutcome::failed;
    refused = refused || (unanswered && answers);
    pending = pending || !keys_[i];
  }
  // A private tree without these domains, as its root proves.
  if (any_key(ProbeOutcome::proved_off)) return pending ? Verdict::unknown : Verdict::works;
  return refused ? Verdict::cut_off : Verdict::unknown;
}

ValidationPolicy::Clock::time_point ValidationPolicy::decide_by() const {
  return probing() ? since_ + kPatience : Clock::time_point::max();
}

bool ValidationPolicy::is_due(Clock::time_point now) const {
  if (!automatic_ || probing() || now < next_) return false;
  return wanted_ || state_ != Validation::validating;
}

void ValidationPolicy::ended(ValidationProbe::Verdict verdict, Clock::time_point now,
                             Upstream upstream) {
  since_ = Clock::time_point::max();
  wanted_ = false;
  forget_row();
  next_ = now + kBetweenProbes;
  switch (verdict) {
    case ValidationProbe::Verdict::works:
      state_ = Validation::validating;
      return;
    case ValidationProbe::Verdict::stripped:
    case ValidationProbe::Verdict::cut_off:
      state_ = Validation::plain;
      next_ = now + kAgainPlain;
      return;
    case ValidationProbe::Verdict::unknown:
      // What worked is not given up because the name servers are silent for a while.
      if (state_ == Validation::validating) return;
      if (state_ == Validation::undecided && upstream == Upstream::unknown) {
        next_ = now + kAgainSoon;
        return;
      }
      state_ = Validation::plain;
      next_ = now + kAgainUnanswered;
      return;
  }
}

void ValidationPolicy::validated(const DnsName& name, const DnsAnswer& answer) {
  if (!automatic_ || state_ != Validation::validating || is_never_signed(name)) return;
  if (answer.fault == DnsFault::bogus) {
    if (bogus_domains_.size() < kBogusDomains) bogus_domains_.emplace(top_level_domain(name));
    ++bogus_answers_;
    if (bogus_domains_.size() >= kBogusDomains || bogus_answers_ >= kBogusAnswers) wanted_ = true;
  } else if (answer.status != DnsStatus::temperror) {
    forget_row();
  }
}

void ValidationPolicy::forget_row() {
  bogus_domains_.clear();
  bogus_answers_ = 0;
}

void ValidationPolicy::probe_again() {
  wanted_ = true;
  next_ = Clock::time_point::min();
}

void ValidationPolicy::upstream_changed() {
  if (!automatic_) return;
  state_ = Validation::undecided;
  since_ = Clock::time_point::max();
  forget_row();
  probe_again();
}

}  // namespace authmilter
