#include <algorithm>
#include <optional>
#include <utility>

#include <authmilter/spf.h>

#include "spf/grammar.h"

namespace authmilter {
namespace {

using spf::Mechanism;
using spf::Term;

RrType address_type(const IpAddress& client) { return client.is_v4() ? RrType::a : RrType::aaaa; }
RrType other_address_type(const IpAddress& client) {
  return client.is_v4() ? RrType::aaaa : RrType::a;
}

/// The walk through the records of an evaluation (RFC 7208 section 4.6) as far as the answers are
/// known. Where anything is out of the ordinary it ends: the evaluation will see to it.
class Walk {
 public:
  Walk(const IpAddress& client, const SpfLimits& limits, Resolver& resolver)
      : client_(client), limits_(limits), resolver_(resolver) {}

  /// What the terms of the record at `name` come to; nothing where the walk ends before that.
  std::optional<SpfResult> record(const DnsName& name) {
    const auto answer = ask({name, RrType::txt});
    if (answer == nullptr || answer->status == DnsStatus::temperror) return std::nullopt;
    const auto published = parsed<spf::PublishedRecord>(answer);
    // One that is too large to be kept would be parsed again at each step.
    if (answer->forms.find<spf::PublishedRecord>() == nullptr) return std::nullopt;
    if (!published->record || !*published->record) return std::nullopt;
    const spf::Record& record = **published->record;
    for (const Term& term : record.terms) {
      const auto matched = matches(term, name);
      if (!matched) return std::nullopt;
      if (*matched) return term.qualifier;
    }
    if (!record.redirect) return SpfResult::neutral;
    const auto target = literal(record.redirect->domain_spec);
    if (!target || !count_term()) return std::nullopt;
    return this->record(*target);
  }

  /// What it waits for, where that is why it has ended.
  std::optional<DnsQuestion> take_question() { return std::move(waits_for_); }

 private:
  /// Null where there is no answer yet.
  DnsAnswerRef ask(const DnsQuestion& question) {
    // Many exchanges of a few mx terms are out of the ordinary.
    if (++questions_ > SpfPrefetch::most_questions(limits_)) return nullptr;
    resolver_.prefetch(question);
    auto answer = resolver_.known(question);
    if (answer == nullptr) waits_for_ = question;
    return answer;
  }

  bool count_term() { return ++terms_ <= limits_.lookup_terms; }
  std::optional<bool> nothing_found() {
    return ++void_terms_ <= limits_.void_lookups ? std::optional(false) : std::nullopt;
  }

  static std::optional<DnsName> literal(const spf::MacroString& domain_spec) {
    const auto& pieces = domain_spec.pieces();
    if (pieces.size() != 1 || pieces.front().letter != 0) return std::nullopt;
    return spf::target_name(pieces.front().literal);
  }

  /// Nothing where the walk ends.
  std::optional<bool> matches(const Term& term, const DnsName& domain) {
    if (!term.costs_lookup()) return term.matches(client_);
    const auto target = term.domain_spec ? literal(*term.domain_spec) : std::optional(domain);
    if (!target || !count_term()) return std::nullopt;
    switch (term.mechanism) {
      case Mechanism::include: {
        const auto result = record(*target);
        return result ? std::optional(*result == SpfResult::pass) : std::nullopt;
      }
      case Mechanism::a:
        return address_matches(*target, term);
      case Mechanism::mx:
        return exchange_matches(*target, term);
      case Mechanism::exists: {
        const auto answer = ask({*target, RrType::a});
        if (answer == nullptr || answer->status == DnsStatus::temperror) return std::nullopt;
        return answer->void_lookup() ? nothing_found() : std::optional(true);
      }
      case Mechanism::ptr:
      case Mechanism::all:
      case Mechanism::ip4:
      case Mechanism::ip6:
        break;
    }
    return std::nullopt;
  }

  std::optional<bool> address_matches(const DnsName& name, const Term& term) {
    const auto answer = ask({name, address_type(client_)});
    if (answer == nullptr || answer->status == DnsStatus::temperror) return std::nullopt;
    if (answer->void_lookup()) {
      // See Evaluation::find_addresses().
      if (answer->status == DnsStatus::nxdomain) return nothing_found();
      const auto other = ask({name, other_address_type(client_)});
      if (other == nullptr) return std::nullopt;
      return other->void_lookup() ? nothing_found() : std::optional(false);
    }
    const auto addresses = answer->addresses();
    return std::any_of(addresses.begin(), addresses.end(), [&](const IpAddress& address) {
      return Network(address, term.prefix(client_)).contains(client_);
    });
  }

  std::optional<bool> exchange_matches(const DnsName& name, const Term& term) {
    const auto answer = ask({name, RrType::mx});
    if (answer == nullptr || answer->status == DnsStatus::temperror) return std::nullopt;
    if (answer->void_lookup()) return nothing_found();
    if (answer->records.size() > limits_.mx_exchanges) return std::nullopt;
    const unsigned before = void_terms_;
    for (const MxRecord& mx : answer->all<MxRecord>()) {
      if (mx.exchange.is_root()) continue;
      const auto matched = address_matches(mx.exchange, term);
      if (!matched || *matched) return matched;
      void_terms_ = std::min(void_terms_, before + 1);  // of one term
    }
    return false;
  }

  const IpAddress& client_;
  const SpfLimits& limits_;
  Resolver& resolver_;
  unsigned questions_ = 0;
  unsigned terms_ = 0;
  unsigned void_terms_ = 0;
  std::optional<DnsQuestion> waits_for_;
};

}  // namespace

void SpfPrefetch::advance(Resolver& resolver) {
  if (ended_ || (waits_for_ && resolver.known(*waits_for_) == nullptr)) return;
  Walk walk(client_, limits_, resolver);
  walk.record(domain_);
  waits_for_ = walk.take_question();
  ended_ = !waits_for_;
}

}  // namespace authmilter
