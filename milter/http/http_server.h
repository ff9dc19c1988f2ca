#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>
#include <authmilter/socket_address.h>

namespace authmilter::http {

/// What somebody asks for.
struct Request {
  std::string_view path;  // one of the server's, without query
  std::string_view host;  // of the Host field, whatever a stranger put there; empty without one
};

/// What they get. HEAD gets the same without the body.
struct Answer {
  int status = 200;
  std::string_view reason = "OK";
  std::string_view type = "text/plain; charset=utf-8";
  std::string body = {};
  std::string fields = {};  // further header fields, each with CRLF at its end
};

/// What a server takes upon itself. Each connection has a thread until it is answered or its time
/// is over, and those that wait for one stand in two queues. So whoever asks waits for (threads +
/// queue + backlog) / threads such times at most, whatever others say or leave unsaid.
struct Limits {
  unsigned threads = 64;
  unsigned queue = 20;
  unsigned backlog = 200;
  std::chrono::milliseconds request{1000};  // for the whole of a request, and for its answer
};

/// Answers GET and HEAD of some paths until it is destroyed, and nothing of the file system: other
/// paths are not found, other methods not allowed. One request a connection. It has threads of its
/// own; civetweb is seen in its source alone.
class Server {
 public:
  /// From several threads at a time; what it throws ends the connection.
  using Answers = std::function<Answer(const Request&)>;
  /// The error reads after the setting: "cannot listen on 192.0.2.1:80: ...".
  static Result<std::unique_ptr<Server>> start(const HostPort& listen, const Limits& limits,
                                               std::vector<std::string> paths, Answers answers);
  ~Server();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter::http
