#include "process/supervisor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "metrics/metrics_server.h"
#include "process/notify.h"
#include "process/signals.h"

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kTick = 100ms;
// A worker says that it is alive every second.
constexpr auto kWorkerSilence = 10s;

struct Worker {
  pid_t pid = -1;
  int pipe = -1;  // its events, for PipeNotifier
  bool ready = false;
  Clock::time_point heard;
};

/// In the worker: never returns.
[[noreturn]] void be_worker(const DaemonOptions& options, const ServedSocket& socket, int pipe,
                            Metrics& metrics) {
  // Not to outlive the supervisor, and not to hear what a terminal tells the supervisor's group.
  prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  setpgid(0, 0);
  PipeNotifier notifier(pipe);
  auto config = load_config(options.config, options.host_name);
  const ExitCode code = config ? serve(options, socket, std::move(*config), notifier, metrics)
                               : cannot_start(ExitCode::config, config.error());
  std::_Exit(static_cast<int>(code));
}

class Supervisor {
 public:
  Supervisor(const DaemonOptions& options, Metrics& metrics)
      : options_(options), metrics_(metrics) {}

  Status start(const ServedSocket& socket) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return failed("pipe");
    const pid_t pid = fork();
    if (pid < 0) return failed("fork");
    if (pid == 0) {
      close(ends[0]);
      be_worker(options_, socket, ends[1], metrics_);
    }
    close(ends[1]);
    workers_.push_back({.pid = pid, .pipe = ends[0], .ready = false, .heard = Clock::now()});
    return Done{};
  }

  void tell(int signal) const {
    for (const Worker& worker : workers_) {
      if (worker.pid > 0) kill(worker.pid, signal);
    }
  }

  ExitCode run() {
    while (
        std::any_of(workers_.begin(), workers_.end(), [](const Worker& w) { return w.pid > 0; })) {
      switch (wait_for_signal(kTick)) {
        case SignalEvent::reload:
          if (stopping_) break;
          notifier_.reloading();
          for (Worker& worker : workers_) worker.ready = false;
          reported_ready_ = false;
          tell(SIGUSR1);
          break;
        case SignalEvent::stop:
          stop();
          break;
        case SignalEvent::tick:
          break;
      }
      for (Worker& worker : workers_) listen(worker);
      reap();
      report();
    }
    return result_;
  }

 private:
  static Error failed(const char* what) {
    return {fmt::format("{}: {}", what, std::strerror(errno))};
  }

  void stop() {
    if (!stopping_) notifier_.stopping();
    stopping_ = true;
    tell(SIGTERM);
  }

  void listen(Worker& worker) {
    std::array<char, 64> events{};
    for (;;) {
      const auto count = read(worker.pipe, events.data(), events.size());
      if (count <= 0) return;
      worker.heard = Clock::now();
      const auto end = events.begin() + count;
      if (std::find(events.begin(), end, PipeNotifier::kReady) != end) worker.ready = true;
    }
  }

  void reap() {
    for (Worker& worker : workers_) {
      int status = 0;
      if (worker.pid <= 0 || waitpid(worker.pid, &status, WNOHANG) != worker.pid) continue;
      worker.pid = -1;
      const int code =
          WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(ExitCode::software);
      if (code == 0 && stopping_) continue;
      if (!stopping_) {
        fmt::print(stderr, "a worker has ended with status {}: stopping the others\n", code);
      }
      if (result_ == ExitCode::ok) {
        result_ = code == 0 ? ExitCode::software : static_cast<ExitCode>(code);
      }
      stop();
    }
  }

  void report() {
    if (stopping_) return;
    const auto now = Clock::now();
    bool all_ready = true;
    bool all_alive = true;
    for (const Worker& worker : workers_) {
      all_ready = all_ready && worker.ready;
      all_alive = all_alive && now - worker.heard < kWorkerSilence;
    }
    if (all_ready && !reported_ready_) {
      notifier_.ready();
      reported_ready_ = true;
    }
    if (all_alive && now - reported_alive_ >= 1s) {
      notifier_.alive();
      reported_alive_ = now;
    }
  }

  const DaemonOptions& options_;
  Metrics& metrics_;
  SystemdNotifier notifier_;
  std::vector<Worker> workers_;
  bool reported_ready_ = false;
  Clock::time_point reported_alive_;
  bool stopping_ = false;
  ExitCode result_ = ExitCode::ok;
};

}  // namespace

ExitCode supervise(const DaemonOptions& options, const Config& config, Metrics& metrics) {
  Supervisor supervisor(options, metrics);
  for (std::size_t i = 0; i < config.milter.sockets.size(); ++i) {
    const auto started = supervisor.start({config.milter.sockets[i], i});
    if (!started) {
      supervisor.tell(SIGTERM);
      return cannot_start(ExitCode::unavailable, started.error());
    }
  }
  // After the last fork: it has threads.
  const auto server = serve_metrics(options, config, metrics);
  if (!server) {
    supervisor.tell(SIGTERM);
    return cannot_start(ExitCode::unavailable, server.error());
  }
  return supervisor.run();
}

}  // namespace authmilter
