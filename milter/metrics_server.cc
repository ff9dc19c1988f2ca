#include "metrics_server.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <exception>
#include <utility>
#include <vector>

#include "exposition.h"
#include "listen_fault.h"

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

}  // namespace

// One connection that says nothing must not keep the others waiting.
constexpr std::size_t kThreads = 4;

struct MetricsServer::Impl {
  Impl(const std::string& listen, DaemonFacts facts, const Metrics& metrics)
      : collection(std::make_shared<Collection>(std::move(facts), metrics)),
        exposer(listen, kThreads) {
    exposer.RegisterCollectable(collection);
  }
  std::shared_ptr<Collection> collection;
  prometheus::Exposer exposer;
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& listen,
                                                            DaemonFacts facts,
                                                            const Metrics& metrics) {
  try {
    return std::unique_ptr<MetricsServer>(
        new MetricsServer(std::make_unique<Impl>(listen, std::move(facts), metrics)));
  } catch (const std::exception& e) {
    // The library says no more than that something possibly went wrong with the port.
    const std::string fault = listen_fault(listen);
    return Error{"metrics.listen: cannot listen on " + listen + ": " +
                 (fault.empty() ? e.what() : fault)};
  }
}

}  // namespace authmilter
