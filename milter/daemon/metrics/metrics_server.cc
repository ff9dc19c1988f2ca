#include "metrics/metrics_server.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "metrics/exposition.h"
#include "metrics/listen_fault.h"

namespace authmilter {
namespace {

class Collection final : public prometheus::Collectable {
 public:
  Collection(DaemonFacts facts, const Metrics& metrics)
      : facts_(std::move(facts)), metrics_(metrics) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    return expose(metrics_, facts_);
  }

 private:
  const DaemonFacts facts_;
  const Metrics& metrics_;
};

// Each connection has a thread until it is answered or its time is over, and those that wait for
// one stand in queues of 20 and 200. So whoever asks waits for (64 + 20 + 200) / 64 such times at
// most, whatever others say or leave unsaid; Prometheus gives up after 10 seconds.
constexpr const char* kThreads = "64";
constexpr const char* kQueue = "20";
constexpr const char* kBacklog = "200";
// For the whole of a request, and for its answer.
constexpr const char* kRequestMilliseconds = "1000";

std::vector<std::string> server_options(const std::string& listen) {
  return {"listening_ports",   listen, "num_threads",        kThreads,
          "connection_queue",  kQueue, "listen_backlog",     kBacklog,
          "enable_keep_alive", "no",   "request_timeout_ms", kRequestMilliseconds};
}

}  // namespace

struct MetricsServer::Impl {
  Impl(const std::string& listen, DaemonFacts facts, const Metrics& metrics)
      : collection(std::make_shared<Collection>(std::move(facts), metrics)),
        exposer(server_options(listen)) {
    exposer.RegisterCollectable(collection);
  }
  std::shared_ptr<Collection> collection;
  prometheus::Exposer exposer;
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const HostPort& listen,
                                                            DaemonFacts facts,
                                                            const Metrics& metrics) {
  try {
    return std::unique_ptr<MetricsServer>(
        new MetricsServer(std::make_unique<Impl>(listen.text(), std::move(facts), metrics)));
  } catch (const std::exception& e) {
    // The library says no more than that something possibly went wrong with the port.
    const std::string fault = listen_fault(listen);
    return Error{"metrics.listen: cannot listen on " + listen.text() + ": " +
                 (fault.empty() ? e.what() : fault)};
  }
}

}  // namespace authmilter
