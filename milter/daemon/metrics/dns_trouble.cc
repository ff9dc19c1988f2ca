#include "metrics/dns_trouble.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace authmilter {
namespace {

DnsCounts counts_of(const Metrics& metrics) {
  DnsCounts counts;
  for (const auto& bucket : metrics.dns_queries.buckets) counts.queries += bucket.load();
  for (std::size_t i = 0; i < counts.failures.size(); ++i)
    counts.failures[i] = metrics.dns_failures[i].load();
  return counts;
}

LogFields fields_of(const DnsWatch& watch) {
  const auto number = [](std::uint64_t count) { return static_cast<std::int64_t>(count); };
  LogFields fields = {{"queries", number(watch.recent().queries)},
                      {"failed", number(watch.recent().failed())}};
  for (const DnsFault fault : kUpstreamFaults) {
    const auto count = watch.recent().failures[static_cast<std::size_t>(fault)];
    if (count > 0) fields.push_back({to_string(fault), number(count)});
  }
  fields.push_back({"minutes", number(DnsWatch::kWindow.count())});
  return fields;
}

}  // namespace

DnsTrouble::DnsTrouble(Metrics& metrics, Logger& logger) : metrics_(metrics), logger_(logger) {
  watch_.sample(counts_of(metrics_), DnsWatch::Clock::now());
}

void DnsTrouble::look(DnsWatch::Clock::time_point now) {
  const auto event = watch_.sample(counts_of(metrics_), now);
  show();
  switch (event) {
    case DnsWatch::Event::none:
      return;
    case DnsWatch::Event::began:
    case DnsWatch::Event::lasts: {
      LogFields fields = fields_of(watch_);
      fields.push_back({"cause", std::string(likely_cause(*watch_.trouble()))});
      fields.push_back({"see", std::string("authmilter check-dns")});
      return logger_.error("most DNS queries fail", fields);
    }
    case DnsWatch::Event::ended:
      return logger_.info("DNS queries are answered again", fields_of(watch_));
  }
}

void DnsTrouble::show() {
  metrics_.dns_recent_queries = watch_.recent().queries;
  for (const DnsFault fault : kUpstreamFaults) {
    const auto at = static_cast<std::size_t>(fault);
    metrics_.dns_recent_failures[at] = watch_.recent().failures[at];
    metrics_.dns_trouble[at] = watch_.trouble() == fault ? 1 : 0;
  }
}

}  // namespace authmilter
