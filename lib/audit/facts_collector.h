#pragma once

#include <authmilter/audit_facts.h>

namespace authmilter {

/// Asks each question once, past all limits of mail, and keeps the answers as facts. Of one domain;
/// for one thread at a time. `inner` must outlive it.
class FactsCollector final : public Resolver {
 public:
  FactsCollector(Resolver& inner, Deadline deadline) : inner_(inner), deadline_(deadline) {}

  /// A temperror with fault `limit`, which is not kept, once a domain has had kMostQuestions.
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override;
  using Resolver::resolve;
  void prefetch(const DnsQuestion& question) override;
  DnsAnswerRef known(const DnsQuestion& question) override;

  DnsFacts take() { return std::move(facts_); }

 private:
  Resolver& inner_;
  const Deadline deadline_;
  DnsFacts facts_;
};

}  // namespace authmilter
