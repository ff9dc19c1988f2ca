#include "metrics_server.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <exception>
#include <utility>
#include <vector>

namespace authmilter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

double load(const Metrics::Count& count) {
  return static_cast<double>(count.load(std::memory_order_relaxed));
}

ClientMetric sample(MetricType type, double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
  return metric;
}

MetricFamily single(std::string name, std::string help, MetricType type, double value) {
  return {std::move(name), std::move(help), type, {sample(type, value)}};
}

template <class Enum, std::size_t Size>
MetricFamily by_label(std::string name, std::string help, const std::string& label,
                      const std::array<Metrics::Count, Size>& counts) {
  MetricFamily family{std::move(name), std::move(help), MetricType::Counter, {}};
  for (std::size_t i = 0; i < Size; ++i) {
    family.metric.push_back(sample(MetricType::Counter, load(counts[i]),
                                   {{label, std::string(to_string(static_cast<Enum>(i)))}}));
  }
  return family;
}

class Collection final : public prometheus::Collectable {
 public:
  explicit Collection(const Metrics& metrics) : metrics_(metrics) {}

  std::vector<MetricFamily> Collect() const override {
    const Metrics& m = metrics_;
    const auto counter = MetricType::Counter;
    const auto gauge = MetricType::Gauge;
    return {
        by_label<Disposition>("authmilter_messages_total", "Messages by what became of them",
                              "action", m.messages),
        by_label<SpfResult>("authmilter_spf_results_total", "SPF results of the MAIL FROM identity",
                            "result", m.spf),
        by_label<DkimResult>("authmilter_dkim_results_total", "DKIM results, one a signature",
                             "result", m.dkim),
        by_label<DmarcResult>("authmilter_dmarc_results_total", "DMARC results", "result", m.dmarc),
        single("authmilter_signed_messages_total", "Messages that got a signature", counter,
               load(m.signed_messages)),
        single("authmilter_unsigned_messages_total", "Outgoing messages left unsigned", counter,
               load(m.unsigned_messages)),
        single("authmilter_signing_failures_total", "Messages that a key could not sign", counter,
               load(m.signing_failures)),
        single("authmilter_tls_refusals_total", "MAIL commands refused for want of TLS", counter,
               load(m.tls_refusals)),
        single("authmilter_internal_errors_total", "Messages delayed by an error of our own",
               counter, load(m.internal_errors)),
        single("authmilter_reloads_total", "Configurations taken over", counter, load(m.reloads)),
        single("authmilter_failed_reloads_total", "Configurations refused", counter,
               load(m.failed_reloads)),
        single("authmilter_connections_total", "Connections of the MTA", counter,
               load(m.connections)),
        single("authmilter_open_connections", "Connections that are open", gauge,
               load(m.open_connections)),
        single("authmilter_messages_in_hand", "Messages between MAIL and the verdict", gauge,
               load(m.messages_in_hand)),
        single("authmilter_busy_seconds_total", "Time spent on messages, waits included", counter,
               load(m.busy_microseconds) / 1e6),
        single("authmilter_dns_wait_seconds_total", "Time spent waiting for the DNS", counter,
               load(m.dns_wait_microseconds) / 1e6),
    };
  }

 private:
  const Metrics& metrics_;
};

}  // namespace

struct MetricsServer::Impl {
  Impl(const std::string& listen, const Metrics& metrics)
      : collection(std::make_shared<Collection>(metrics)), exposer(listen, 1) {
    exposer.RegisterCollectable(collection);
  }
  std::shared_ptr<Collection> collection;
  prometheus::Exposer exposer;
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& listen,
                                                            const Metrics& metrics) {
  try {
    return std::unique_ptr<MetricsServer>(
        new MetricsServer(std::make_unique<Impl>(listen, metrics)));
  } catch (const std::exception& e) {
    return Error{"metrics.listen " + listen + ": " + e.what()};
  }
}

}  // namespace authmilter
