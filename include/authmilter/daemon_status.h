#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/result.h>

namespace authmilter {

/// How a running daemon is, for people: what it serves at /status and `authmilter status` shows.
/// Counts are since its start, times in seconds since 1970.
struct DaemonStatus {
  /// By the word that each count stands for, in the daemon's order.
  using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

  /// What each of the daemon's processes has for itself.
  struct Process {
    struct Reloads {
      std::uint64_t good = 0;
      std::uint64_t bad = 0;
      bool operator==(const Reloads&) const = default;
    };
    std::string socket;
    VerifyMode mode = VerifyMode::enforce;
    bool last_reload_good = true;
    std::int64_t configured = 0;  // when the configuration in force was read
    Reloads reloads;
    bool validating = false;  // DNS answers, with DNSSEC
    std::uint64_t open_descriptors = 0;
    std::uint64_t descriptor_limit = 0;
    bool operator==(const Process&) const = default;
  };

  struct Connections {
    std::uint64_t total = 0;
    std::uint64_t open = 0;              // now
    std::uint64_t messages_in_hand = 0;  // now
    bool operator==(const Connections&) const = default;
  };

  struct Dns {
    std::uint64_t questions = 0;  // of messages
    std::uint64_t queries = 0;    // sent to name servers
    // Estimates, in seconds; kLongestLatency stands for that and more. Nothing: no query yet.
    std::optional<double> median, percentile95;
    Counts failures;
    std::uint64_t recent_queries = 0;  // of the last ten minutes
    Counts recent_failures;
    std::optional<std::string> trouble;  // the kind of failure that most queries have now
    bool operator==(const Dns&) const = default;
  };

  struct Signing {
    std::uint64_t messages = 0;
    Counts signatures, unsigned_messages, failures;
    bool operator==(const Signing&) const = default;
  };

  struct Key {
    std::string domain;
    std::string selector;
    std::int64_t written = 0;
    std::int64_t age_days = 0;
    bool operator==(const Key&) const = default;
  };

  std::string version;
  std::int64_t started = 0;
  std::vector<Process> processes;
  Connections connections;
  Counts messages, policy, rules;
  std::uint64_t aborted_messages = 0;
  std::uint64_t tls_refusals = 0;
  std::uint64_t internal_errors = 0;
  Counts spf, dkim, dmarc;
  Dns dns;
  Signing signing;
  std::vector<Key> keys;
  Counts limits;
  std::vector<std::string> warnings;  // what an operator should look at, one sentence each
  bool operator==(const DaemonStatus&) const = default;
};

/// Times are between 1970 and the year 33658, so that their differences are times too.
constexpr std::int64_t kLatestTime = 1'000'000'000'000;

/// The largest bound by which the daemon counts latencies.
constexpr double kLongestLatency = 5;

/// What an operator should look at in the rest of a status; empty when all is well. `now` in
/// seconds since 1970. Pure.
std::vector<std::string> warnings_of(const DaemonStatus& status, std::int64_t now);

/// JSON in ASCII, indented; octets of a text that are not UTF-8 become U+FFFD. Pure.
std::string write_status(const DaemonStatus& status);

/// Reads what write_status() has written, and nothing else: what is missing, of another type, out
/// of its range or nested too deep is an error. The text may be anybody's. Pure; linear in the
/// text, so its caller bounds that.
Result<DaemonStatus> read_status(std::string_view json);

}  // namespace authmilter
