#include "metrics/dns_watch.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>

namespace authmilter {
namespace {

using namespace std::chrono_literals;

constexpr auto kBetweenSamples = 10s;

/// Of a quiet host a few failures are telling when hardly anything else came; of a busy one, where
/// a wave of forged mail may bring many names that do not answer, half of a large number.
bool is_trouble(const DnsCounts& counts) {
  const std::uint64_t failed = counts.failed();
  return (failed >= 10 && 5 * failed >= 4 * counts.queries) ||
         (failed >= 100 && 2 * failed >= counts.queries);
}

DnsFault most_frequent(const DnsCounts& counts) {
  const auto number = [&](DnsFault fault) {
    return counts.failures[static_cast<std::size_t>(fault)];
  };
  return *std::max_element(kUpstreamFaults.begin(), kUpstreamFaults.end(),
                           [&](DnsFault a, DnsFault b) { return number(a) < number(b); });
}

DnsCounts difference(const DnsCounts& after, const DnsCounts& before) {
  DnsCounts counts;
  counts.queries = after.queries - before.queries;
  for (std::size_t i = 0; i < counts.failures.size(); ++i)
    counts.failures[i] = after.failures[i] - before.failures[i];
  return counts;
}

}  // namespace

std::uint64_t DnsCounts::failed() const {
  return std::accumulate(kUpstreamFaults.begin(), kUpstreamFaults.end(), std::uint64_t{0},
                         [&](std::uint64_t sum, DnsFault fault) {
                           return sum + failures[static_cast<std::size_t>(fault)];
                         });
}

std::string_view likely_cause(DnsFault fault) {
  switch (fault) {
    case DnsFault::timeout:
      return "the name servers do not answer in time: are they up, and does the firewall let UDP "
             "and TCP port 53 through? (dns.nameservers, /etc/resolv.conf, dns.timeout)";
    case DnsFault::servfail:
      return "the name servers fail or refuse: do they resolve for this host, and do they reach "
             "the "
             "Internet? (dns.nameservers, /etc/resolv.conf)";
    case DnsFault::bogus:
      return "answers do not validate: do the name servers pass DNSSEC records, and are the clock "
             "and the trust anchor right? (dns.dnssec, dns.trust_anchor)";
    case DnsFault::malformed:
      return "answers cannot be read: does something on the way change them? (dns.nameservers)";
    case DnsFault::limit:
    case DnsFault::overload:
    case DnsFault::none:
      return "";
  }
  return "";
}

DnsWatch::Event DnsWatch::sample(const DnsCounts& total, Clock::time_point now) {
  if (!samples_.empty() && now - samples_.back().time < kBetweenSamples) return Event::none;
  samples_.push_back({now, total});
  while (samples_.size() > 2 && now - samples_[1].time >= kWindow) samples_.pop_front();
  recent_ = difference(total, samples_.front().total);

  const bool before = trouble_.has_value();
  trouble_ = is_trouble(recent_) ? std::optional(most_frequent(recent_)) : std::nullopt;
  if (!trouble_) return before ? Event::ended : Event::none;
  if (before && now - told_ < kWindow) return Event::none;
  told_ = now;
  return before ? Event::lasts : Event::began;
}

}  // namespace authmilter
