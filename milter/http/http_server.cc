#include "http_server.h"

#include <civetweb.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "listen_fault.h"

namespace authmilter::http {

struct Server::Impl {
  Impl(std::vector<std::string> its_paths, Answers its_answers)
      : paths(std::move(its_paths)), answers(std::move(its_answers)) {
    mg_init_library(MG_FEATURES_DEFAULT);
  }
  ~Impl() {
    if (server != nullptr) mg_stop(server);
    mg_exit_library();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Answer answer_to(mg_connection* connection, const mg_request_info& request) const {
    const std::string_view method = request.request_method;
    const std::string_view path = request.local_uri != nullptr ? request.local_uri : "";
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) return {404, "Not Found"};
    if (method != "GET" && method != "HEAD")
      return {405, "Method Not Allowed", "text/plain; charset=utf-8", {}, "Allow: GET, HEAD\r\n"};
    const char* host = mg_get_header(connection, "Host");
    return answers({path, host != nullptr ? host : ""});
  }

  /// Answers every request, so that the library never looks for a file. It has this from its start
  /// on: no request comes before there is an answer.
  static int on_request(mg_connection* connection) noexcept {
    try {
      // Or the library reads all of a body that was announced, however slowly that comes.
      mg_disable_connection_keep_alive(connection);
      const mg_request_info& request = *mg_get_request_info(connection);
      const Answer answer =
          static_cast<const Impl*>(request.user_data)->answer_to(connection, request);
      const bool head = std::string_view(request.request_method) == "HEAD";
      // Not compressed: it goes to a neighbour.
      const std::string text = fmt::format(
          "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: close\r\n\r\n"
          "{}",
          answer.status, answer.reason, answer.type, answer.body.size(), answer.fields,
          head ? "" : answer.body);
      mg_write(connection, text.data(), text.size());
      return answer.status;
    } catch (const std::exception&) {
      return 500;  // out of memory: the connection is closed
    }
  }

  const std::vector<std::string> paths;
  const Answers answers;
  mg_context* server = nullptr;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(const HostPort& listen, const Limits& limits,
                                              std::vector<std::string> paths, Answers answers) {
  const std::string place = listen.text();
  const std::string threads = std::to_string(limits.threads);
  const std::string queue = std::to_string(limits.queue);
  const std::string backlog = std::to_string(limits.backlog);
  const std::string time = std::to_string(limits.request.count());
  std::array options = {"listening_ports",
                        place.c_str(),
                        "num_threads",
                        threads.c_str(),
                        "connection_queue",
                        queue.c_str(),
                        "listen_backlog",
                        backlog.c_str(),
                        "enable_keep_alive",
                        "no",
                        "request_timeout_ms",
                        time.c_str(),
                        static_cast<const char*>(nullptr)};
  auto impl = std::make_unique<Impl>(std::move(paths), std::move(answers));
  mg_callbacks callbacks{};
  callbacks.begin_request = &Impl::on_request;
  impl->server = mg_start(&callbacks, impl.get(), options.data());
  if (impl->server == nullptr) {
    // The library does not say why.
    const std::string fault = listen_fault(listen);
    return Error{fmt::format("cannot listen on {}: {}", place,
                             fault.empty() ? "the HTTP server does not start" : fault)};
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

}  // namespace authmilter::http
