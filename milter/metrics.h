#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <authmilter/dkim.h>
#include <authmilter/dmarc.h>
#include <authmilter/policy.h>
#include <authmilter/spf.h>

namespace authmilter {

/// What the daemon counts, always, whether anyone asks or not. Nothing but atomics, so that it can
/// live in memory that several processes share.
struct Metrics {
  using Count = std::atomic<std::uint64_t>;

  std::array<Count, 6> messages{};  // by Disposition
  std::array<Count, 7> spf{};       // by SpfResult, the MAIL FROM identity
  std::array<Count, 7> dkim{};      // by DkimResult, each signature; none: a message without one
  std::array<Count, 5> dmarc{};     // by DmarcResult
  Count signed_messages = 0;
  Count unsigned_messages = 0;  // ours, but there was no key or no right to it
  Count signing_failures = 0;
  Count tls_refusals = 0;  // of MAIL, network.require_tls
  Count internal_errors = 0;
  Count reloads = 0;
  Count failed_reloads = 0;
  Count connections = 0;
  Count open_connections = 0;   // now
  Count messages_in_hand = 0;   // now, between MAIL and the verdict
  Count busy_microseconds = 0;  // of our own work and waiting, all messages
  Count dns_wait_microseconds = 0;

  template <std::size_t Size, class Enum>
  static void count(std::array<Count, Size>& counts, Enum value) {
    const auto at = static_cast<std::size_t>(value);
    if (at < Size) counts[at].fetch_add(1, std::memory_order_relaxed);
  }
};
static_assert(Metrics::Count::is_always_lock_free, "shared between processes");

}  // namespace authmilter
