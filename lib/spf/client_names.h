#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/dns_answer.h>
#include <authmilter/ip_address.h>

#include "spf/timed_resolver.h"

namespace authmilter::spf {

/// The names of the client that the DNS confirms in both directions, for the ptr mechanism and the
/// %{p} macro (RFC 7208 sections 5.5 and 7.3). Asks only when needed, and remembers. These are
/// names of the client's own choice, so they have a part of the evaluation's time: what the record
/// says else must not stay unknown for them. Borrows all.
class ClientNames {
 public:
  ClientNames(const IpAddress& client, std::size_t limit, TimedResolver& dns)
      : client_(client), limit_(limit), dns_(dns) {}

  /// The ptr mechanism: whether a confirmed name is `target` or below it. DNS errors are "no"
  /// (RFC 7208 section 5.5).
  bool any_within(const DnsName& target);
  /// Whether the PTR lookup itself found nothing (RFC 7208 section 4.6.4).
  bool void_lookup();
  /// The value of %{p}: `domain` itself before names below it before any other; "unknown" when
  /// there is none.
  std::string best_for(const DnsName& domain);

 private:
  struct Candidate {
    DnsName name;
    enum class State { unasked, confirmed, refuted } state = State::unasked;
  };
  void load();
  bool confirmed(Candidate& candidate);

  const IpAddress& client_;
  const std::size_t limit_;
  TimedResolver& dns_;
  std::optional<TimedResolver> own_time_;  // since the first question
  DnsAnswerRef pointers_;
  std::vector<Candidate> candidates_;
};

}  // namespace authmilter::spf
