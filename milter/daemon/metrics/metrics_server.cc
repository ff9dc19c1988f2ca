#include "metrics/metrics_server.h"

#include <civetweb.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "metrics/exposition.h"
#include "metrics/listen_fault.h"
#include "metrics/status.h"

namespace authmilter {
namespace {

// Each connection has a thread until it is answered or its time is over, and those that wait for
// one stand in queues of 20 and 200. So whoever asks waits for (64 + 20 + 200) / 64 such times at
// most, whatever others say or leave unsaid; Prometheus gives up after 10 seconds.
constexpr const char* kThreads = "64";
constexpr const char* kQueue = "20";
constexpr const char* kBacklog = "200";
// For the whole of a request, and for its answer.
constexpr const char* kRequestMilliseconds = "1000";

struct Answer {
  int status;
  std::string_view reason;
  std::string_view type = "text/plain; charset=utf-8";
  std::string body = {};
};

Answer answer_to(const mg_request_info& request, const DaemonFacts& facts, const Metrics& metrics) {
  const std::string_view method = request.request_method;
  const std::string_view path = request.local_uri != nullptr ? request.local_uri : "";
  if (path != "/metrics" && path != "/status") return {404, "Not Found"};
  if (method != "GET" && method != "HEAD") return {405, "Method Not Allowed"};
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
  Impl(DaemonFacts its_facts, const Metrics& its_metrics)
      : facts(std::move(its_facts)), metrics(its_metrics) {
    mg_init_library(MG_FEATURES_DEFAULT);
  }
  ~Impl() {
    if (server != nullptr) mg_stop(server);
    mg_exit_library();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// Answers every request, so that the library never looks for a file. It has this from its start
  /// on: no request comes before there is an answer.
  static int on_request(mg_connection* connection) noexcept {
    try {
      // Or the library reads all of a body that was announced, however slowly that comes.
      mg_disable_connection_keep_alive(connection);
      const mg_request_info& request = *mg_get_request_info(connection);
      const Impl& impl = *static_cast<const Impl*>(request.user_data);
      const Answer answer = answer_to(request, impl.facts, impl.metrics);
      const bool head = std::string_view(request.request_method) == "HEAD";
      // Not compressed: it is 20 KiB for a neighbour, every few seconds.
      const std::string text = fmt::format(
          "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: close\r\n\r\n"
          "{}",
          answer.status, answer.reason, answer.type, answer.body.size(),
          answer.status == 405 ? "Allow: GET, HEAD\r\n" : "", head ? "" : answer.body);
      mg_write(connection, text.data(), text.size());
      return answer.status;
    } catch (const std::exception&) {
      return 500;  // out of memory: the connection is closed
    }
  }

  const DaemonFacts facts;
  const Metrics& metrics;
  mg_context* server = nullptr;
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const HostPort& listen,
                                                            DaemonFacts facts,
                                                            const Metrics& metrics) {
  const std::string place = listen.text();
  std::array options = {"listening_ports",
                        place.c_str(),
                        "num_threads",
                        kThreads,
                        "connection_queue",
                        kQueue,
                        "listen_backlog",
                        kBacklog,
                        "enable_keep_alive",
                        "no",
                        "request_timeout_ms",
                        kRequestMilliseconds,
                        static_cast<const char*>(nullptr)};
  auto impl = std::make_unique<Impl>(std::move(facts), metrics);
  mg_callbacks callbacks{};
  callbacks.begin_request = &Impl::on_request;
  impl->server = mg_start(&callbacks, impl.get(), options.data());
  if (impl->server == nullptr) {
    // The library does not say why.
    const std::string fault = listen_fault(listen);
    return Error{fmt::format("metrics.listen: cannot listen on {}: {}", place,
                             fault.empty() ? "the HTTP server does not start" : fault)};
  }
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

}  // namespace authmilter
