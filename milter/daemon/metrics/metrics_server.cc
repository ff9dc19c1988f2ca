#include "metrics/metrics_server.h"

#include <prometheus/text_serializer.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "http/http_server.h"
#include "metrics/exposition.h"
#include "metrics/status.h"

namespace authmilter {
namespace {

// Whoever asks waits for a little more than four times a second; Prometheus gives up after ten.
constexpr http::Limits kServerLimits;

http::Answer answer_to(std::string_view path, const DaemonFacts& facts, const Metrics& metrics) {
  if (path == "/metrics") {
    return {200, "OK", "text/plain; version=0.0.4; charset=utf-8",
            prometheus::TextSerializer().Serialize(expose(metrics, facts))};
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return {200, "OK", "application/json", write_status(status_of(metrics, facts, seconds))};
}

}  // namespace

struct MetricsServer::Impl {
  std::unique_ptr<http::Server> server;
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const HostPort& listen,
                                                            DaemonFacts facts,
                                                            const Metrics& metrics) {
  auto server =
      http::Server::start(listen, kServerLimits, {"/metrics", "/status"},
                          [facts = std::move(facts), &metrics](const http::Request& request) {
                            return answer_to(request.path, facts, metrics);
                          });
  if (!server) return Error{"metrics.listen: " + server.error().message};
  return std::unique_ptr<MetricsServer>(
      new MetricsServer(std::make_unique<Impl>(Impl{std::move(*server)})));
}

}  // namespace authmilter
