#include <string>
#include <utility>

#include "dns/unbound/unbound_worker.h"

// The worker's probe, which tells whether validation can work through the upstream.

namespace authmilter {
namespace {

constexpr int kTypeSoa = 6;
constexpr int kTypeDnskey = 48;

}  // namespace

/// A new context every time: libunbound remembers for a while that a key could not be had.
void UnboundWorker::start_probe() {
  auto context = make_context(anchors_);
  policy_.began(Clock::now());
  if (!context) return conclude(ValidationProbe::Verdict::unknown);
  probing_ = std::move(*context);
  probing_questions_ = questions_;
  probe_.emplace();
  ++probe_run_;
  upstream_answered_ = !held_.empty();
  for (const auto& question : ValidationProbe::questions()) {
    Query query;
    query.worker = this;
    query.purpose = Purpose::probe;
    query.probe = ProbeQuestion{probe_run_, question};
    const bool control = question.kind == ValidationProbe::Kind::control;
    query.context = control ? plain_ : probing_;
    const bool root = question.kind == ValidationProbe::Kind::root_key;
    const auto domain = std::string(ValidationProbe::kDomains[question.domain]) + ".";
    send(std::move(query), root ? "." : domain, control ? kTypeSoa : kTypeDnskey);
  }
}

void UnboundWorker::handle_probe(const Query& query) {
  if (!probe_ || query.probe->run != probe_run_) return;
  probe_->answered(query.probe->question, query.outcome);
  const auto verdict = probe_->verdict();
  if (!verdict) return;
  // It failed, but began before anything was answered: the upstream may just have come up.
  const bool too_early = *verdict == ValidationProbe::Verdict::unknown && !held_.empty() &&
                         policy_.state() == Validation::undecided && !upstream_answered_;
  if (too_early) return start_probe();
  conclude(*verdict);
}

void UnboundWorker::conclude(ValidationProbe::Verdict verdict) {
  const Validation before = policy_.state();
  policy_.ended(
      verdict, Clock::now(),
      held_.empty() ? ValidationPolicy::Upstream::unknown : ValidationPolicy::Upstream::answers);
  shown_ = policy_.state();
  if (verdict == ValidationProbe::Verdict::works) {
    if (probing_questions_ != questions_) {
      if (auto roomier = make_context(anchors_)) probing_ = std::move(*roomier);
    }
    validating_ = std::move(probing_);
  }
  if (policy_.state() == Validation::plain) validating_.reset();
  any_retired_ = true;
  probing_.reset();
  probe_.reset();
  notice_change(before, verdict);
  if (policy_.state() != Validation::undecided) finish_held();
}

void UnboundWorker::notice_change(Validation before, ValidationProbe::Verdict verdict) {
  if (policy_.state() == before) return;
  if (policy_.state() == Validation::validating) {
    if (before == Validation::plain)
      notify_("nameservers pass DNSSEC signatures: answers are validated");
    return;
  }
  switch (verdict) {
    case ValidationProbe::Verdict::works:
      return;
    case ValidationProbe::Verdict::stripped:
      return notify_("nameservers strip DNSSEC signatures: answers are not validated");
    case ValidationProbe::Verdict::cut_off:
      return notify_(
          "nameservers pass the DNSSEC keys of the root, but not what leads below it (DS, DNSKEY): "
          "answers are not validated");
    case ValidationProbe::Verdict::unknown:
      return notify_(
          "nameservers answer, but not for the DNSSEC keys of the root: answers are not validated");
  }
}

void UnboundWorker::finish_held() {
  std::vector<Held> held;
  held.swap(held_);
  for (auto& [lookup, answer] : held) {
    if (policy_.state() == Validation::validating)
      ask(Purpose::validating, lookup);
    else
      finish_(lookup, std::move(answer));
  }
}

}  // namespace authmilter
