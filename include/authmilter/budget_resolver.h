#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include <authmilter/resolver.h>

namespace authmilter {

/// One message's part of a resolver: at most `max_queries` different questions, and at most
/// `waiting_time` spent waiting in resolve() altogether (a sender that dawdles over the body does
/// not use it up); beyond either every answer is a temperror with fault `limit`. A question already
/// answered costs nothing; asked afresh, its time only. Remembers its answers, and holds what it
/// has asked for (see Resolver::for_message()). For one thread at a time.
class BudgetResolver final : public Resolver {
 public:
  BudgetResolver(Resolver& inner, std::size_t max_queries, std::chrono::milliseconds waiting_time,
                 const DnsClient& client = DnsClient());
  ~BudgetResolver() override;
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override;
  using Resolver::resolve;
  void prefetch(const DnsQuestion& question) override;
  /// Of what has been asked for.
  DnsAnswerRef known(const DnsQuestion& question) override;

  std::size_t queries() const;
  bool limit_reached() const;
  /// Time spent waiting in resolve().
  std::chrono::microseconds waited() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace authmilter
