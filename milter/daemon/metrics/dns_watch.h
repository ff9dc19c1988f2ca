#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include <authmilter/dns_answer.h>

namespace authmilter {

/// Questions that were sent to name servers, and those of them without a usable answer.
struct DnsCounts {
  std::uint64_t queries = 0;
  std::array<std::uint64_t, 7> failures{};  // by DnsFault

  std::uint64_t failed() const;
};

/// The faults that a name server can be blamed for.
inline constexpr std::array kUpstreamFaults = {DnsFault::timeout, DnsFault::servfail,
                                               DnsFault::bogus, DnsFault::malformed};

/// What is probably wrong when most questions end in `fault`, and where to set it: one phrase for
/// the log.
std::string_view likely_cause(DnsFault fault);

/// Tells from the counts of the last minutes whether this host's own DNS is in trouble. Zones of
/// strangers that do not answer are no trouble of ours, so the share of failures has to be one
/// that mail does not have by itself. It only tells: what becomes of a message is decided without
/// it. Pure; for one thread.
class DnsWatch {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes kWindow{10};

  enum class Event : std::uint8_t { none, began, lasts, ended };

  /// `total`: counted since the start. To be called every few seconds. `began` and `lasts` are for
  /// an error line, which comes again every kWindow; `ended` for the one that it is over.
  Event sample(const DnsCounts& total, Clock::time_point now);

  /// Of the last kWindow.
  const DnsCounts& recent() const { return recent_; }
  /// The fault that most of the failures have, while there is trouble.
  std::optional<DnsFault> trouble() const { return trouble_; }

 private:
  struct Sample {
    Clock::time_point time;
    DnsCounts total;
  };

  std::deque<Sample> samples_;  // the oldest is at or before the window's beginning
  DnsCounts recent_;
  std::optional<DnsFault> trouble_;
  Clock::time_point told_{};
};

}  // namespace authmilter
