#pragma once

#include <algorithm>
#include <chrono>
#include <memory>

#include <authmilter/resolver.h>

namespace authmilter::spf {

/// The resolver of one evaluation, which ends at its deadline (RFC 7208 section 4.6.4: at least 20
/// seconds, then temperror). Borrows the resolver.
class TimedResolver {
 public:
  TimedResolver(Resolver& resolver, Deadline deadline) : resolver_(resolver), deadline_(deadline) {}

  /// The same, for a part of the evaluation that begins now and may take `time`.
  TimedResolver within(std::chrono::milliseconds time) const {
    return {resolver_, std::min(deadline_, std::chrono::steady_clock::now() + time)};
  }

  DnsAnswerRef resolve(const DnsName& name, RrType type) {
    // Resolvers that answer from memory need not look at the deadline.
    if (std::chrono::steady_clock::now() >= deadline_)
      return std::make_shared<const DnsAnswer>(DnsAnswer::failed(DnsFault::timeout));
    return resolver_.resolve({name, type}, deadline_);
  }

 private:
  Resolver& resolver_;
  Deadline deadline_;
};

}  // namespace authmilter::spf
