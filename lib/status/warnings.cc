#include <fmt/format.h>

#include <authmilter/daemon_status.h>

namespace authmilter {
namespace {

// The share of descriptors in use from which it is time to raise the limit.
constexpr double kDescriptorShare = 0.8;

// Keys are to be replaced from time to time; M3AAWG's advice is twice a year or more often.
constexpr std::int64_t kOldKeySeconds = 365 * 86'400;

std::uint64_t sum(const DaemonStatus::Counts& counts) {
  std::uint64_t all = 0;
  for (const auto& [word, count] : counts) all += count;
  return all;
}

}  // namespace

std::vector<std::string> warnings_of(const DaemonStatus& status, std::int64_t now) {
  std::vector<std::string> warnings;
  for (const DaemonStatus::Process& process : status.processes) {
    if (!process.last_reload_good) {
      warnings.push_back(fmt::format(
          "{}: the last reload was refused, the old configuration is in force", process.socket));
    }
    if (static_cast<double>(process.open_descriptors) >
        kDescriptorShare * static_cast<double>(process.descriptor_limit)) {
      warnings.push_back(fmt::format("{}: {} of {} file descriptors are in use", process.socket,
                                     process.open_descriptors, process.descriptor_limit));
    }
  }
  if (status.dns.trouble) {
    warnings.push_back(fmt::format(
        "{} of {} DNS queries of the last ten minutes failed, most by {}: "
        "authmilter check-dns says what may be wrong",
        sum(status.dns.recent_failures), status.dns.recent_queries, *status.dns.trouble));
  }
  for (const DaemonStatus::Key& key : status.keys) {
    if (now - key.written > kOldKeySeconds) {
      warnings.push_back(
          fmt::format("the key {}._domainkey.{} is older than a year", key.selector, key.domain));
    }
  }
  const std::uint64_t failures = sum(status.signing.failures);
  if (failures > 0) warnings.push_back(fmt::format("{} messages could not be signed", failures));
  if (status.internal_errors > 0) {
    warnings.push_back(fmt::format("{} internal errors, see the log", status.internal_errors));
  }
  return warnings;
}

}  // namespace authmilter
