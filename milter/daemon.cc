#include "daemon.h"

#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "callbacks.h"
#include "log.h"
#include "metrics_server.h"
#include "runtime.h"
#include "signals.h"
#include "socket.h"
#include "supervisor.h"

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// How long messages in hand may take to finish after SIGTERM: longer than dns.message_timeout, less
// than the service manager waits (90 s by default).
constexpr auto kDrainTime = 30s;
constexpr auto kTick = 1s;
constexpr auto kDrainTick = 20ms;

ExitCode cannot_start(ExitCode code, const Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  return code;
}

/// What a reload cannot change.
std::string settings_of_the_start(const Config& config) {
  std::string text = fmt::format("{:o} {} {}", config.milter.socket_mode,
                                 config.milter.socket_group, config.metrics_listen);
  for (const std::string& socket : config.milter.sockets) text += ' ' + socket;
  return text;
}

/// What happens beside the mail: signals, the watchdog, notices. Runs in a thread of its own until
/// the milter has ended.
class Housekeeping {
 public:
  Housekeeping(const DaemonOptions& options, RuntimeHolder& runtimes, Logger& logger,
               Metrics& metrics, Notifier& notifier, const ListeningSocket& socket)
      : options_(options),
        runtimes_(runtimes),
        logger_(logger),
        metrics_(metrics),
        notifier_(notifier),
        socket_(socket),
        start_settings_(settings_of_the_start(runtimes.get()->config())),
        thread_([this] { run(); }) {}

  ~Housekeeping() {
    ended_ = true;
    thread_.join();
    if (stopper_.joinable()) stopper_.join();
  }
  Housekeeping(const Housekeeping&) = delete;
  Housekeeping& operator=(const Housekeeping&) = delete;

 private:
  void run() {
    while (!ended_) {
      try {
        step();
      } catch (const std::exception& e) {
        logger_.error("internal error", {{"callback", "housekeeping"}, {"what", e.what()}});
      }
    }
  }

  void step() {
    switch (wait_for_signal(stopping_ ? std::chrono::milliseconds(kDrainTick) : kTick)) {
      case SignalEvent::reload:
        if (!stopping_) reload();
        return;
      case SignalEvent::stop:
        // The second one does not wait.
        stopping_ ? hurry() : begin_to_stop();
        return;
      case SignalEvent::tick:
        tick();
        return;
    }
  }

  void tick() {
    notifier_.alive();
    if (stopping_) {
      if (metrics_.messages_in_hand == 0 || Clock::now() >= drained_by_) end_milter();
      return;
    }
    const std::string notice = dnssec_notice(runtimes_.get()->network());
    if (!notice.empty() && notice != last_notice_) logger_.warning(notice);
    if (!notice.empty()) last_notice_ = notice;
  }

  void reload() {
    notifier_.reloading();
    const auto previous = runtimes_.get();
    auto loaded = Runtime::load(options_.config, options_.host_name, previous.get());
    if (!loaded) {
      ++metrics_.failed_reloads;
      logger_.error("cannot reload, the old configuration stays in force",
                    {{"reason", loaded.error().message}});
      notifier_.ready();
      return;
    }
    ++metrics_.reloads;
    const Config& config = (*loaded)->config();
    logger_.configure(config.log);
    runtimes_.set(std::move(*loaded));
    logger_.info("configuration reloaded", {{"file", options_.config.string()}});
    if (settings_of_the_start(config) != start_settings_) {
      logger_.warning("changes of the sockets and of metrics.listen need a restart");
    }
    notifier_.ready();
  }

  void begin_to_stop() {
    stopping_ = true;
    drained_by_ = Clock::now() + kDrainTime;
    notifier_.stopping();
    socket_.remove_file();
    logger_.info("stopping", {{"messages_in_hand",
                               static_cast<std::int64_t>(metrics_.messages_in_hand.load())}});
  }

  void hurry() { drained_by_ = Clock::now(); }

  /// libmilter's stop waits for its listener, which sleeps in poll() for up to five seconds. So it
  /// is called in a thread of its own, and the main thread woken again and again until
  /// run_milter() has returned.
  void end_milter() {
    if (!stopper_.joinable()) stopper_ = std::thread(stop_milter);
    wake_main_thread();
  }

  const DaemonOptions& options_;
  RuntimeHolder& runtimes_;
  Logger& logger_;
  Metrics& metrics_;
  Notifier& notifier_;
  const ListeningSocket& socket_;
  const std::string start_settings_;
  std::string last_notice_;
  bool stopping_ = false;
  Clock::time_point drained_by_;
  std::atomic<bool> ended_ = false;
  std::thread stopper_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

ExitCode serve(const DaemonOptions& options, const std::string& socket, Notifier& notifier,
               Metrics& metrics) {
  auto runtime = Runtime::load(options.config, options.host_name);
  if (!runtime) return cannot_start(ExitCode::config, runtime.error());
  const auto config = (*runtime)->config();
  Logger logger(config.log);
  RuntimeHolder runtimes(std::move(*runtime));

  const auto registered = register_milter({runtimes, logger, metrics}, socket);
  if (!registered) return cannot_start(ExitCode::config, registered.error());
  const auto listening = ListeningSocket::open(socket, config.milter, logger);
  if (!listening) return cannot_start(ExitCode::unavailable, listening.error());

  Status ran = Done{};
  {
    const Housekeeping housekeeping(options, runtimes, logger, metrics, notifier, *listening);
    logger.info("serving", {{"socket", socket}, {"authserv_id", config.authserv_id}});
    notifier.ready();
    ran = run_milter();
  }
  listening->remove_file();
  if (!ran) logger.error(ran.error().message);
  logger.info("stopped");
  // libmilter's threads are detached and may still be at work on connections that were cut off.
  // Nothing may be destroyed under them.
  std::_Exit(static_cast<int>(ran ? ExitCode::ok : ExitCode::software));
}

ExitCode run_daemon(const DaemonOptions& options, const Config& config) {
  if (config.milter.sockets.size() > 1) return supervise(options, config);
  Metrics metrics;
  std::unique_ptr<MetricsServer> server;
  if (!config.metrics_listen.empty()) {
    auto started = MetricsServer::start(config.metrics_listen, metrics);
    if (!started) return cannot_start(ExitCode::unavailable, started.error());
    server = std::move(*started);
  }
  SystemdNotifier notifier;
  return serve(options, config.milter.sockets.front(), notifier, metrics);
}

}  // namespace authmilter
