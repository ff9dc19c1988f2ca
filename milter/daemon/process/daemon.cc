#include "process/daemon.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "log/log.h"
#include "metrics/dns_trouble.h"
#include "metrics/metrics_server.h"
#include "metrics/process_metrics.h"
#include "process/key_state_watch.h"
#include "process/leak_check.h"
#include "process/signals.h"
#include "protocol/callbacks.h"
#include "protocol/runtime_holder.h"
#include "protocol/socket.h"
#include "reports/report_writer.h"
#include "workarounds/accept.h"

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// What messages in hand may take to finish after SIGTERM beside dns.message_timeout. The service
// manager has to wait longer than both.
constexpr auto kDrainMargin = 10s;
// And for the rows of reports to get where they are kept.
constexpr auto kReportTime = 5s;
// The last message is off our hands just before libmilter writes its reply.
constexpr auto kSettleTime = 200ms;
constexpr auto kTick = 1s;
constexpr auto kDrainTick = 20ms;
constexpr auto kOverloadLines = 60s;
constexpr std::size_t kFaultLines = 20;  // of each reload

/// What an administrator can do about look-ups that use a share up.
std::string_view advice_on(DnsShare share) {
  switch (share) {
    case DnsShare::table:
      return "see whether dns.nameservers answer; if they do, limit the MTA's connections";
    case DnsShare::client:
    case DnsShare::network:
      return "limit the connections of this client in the MTA, or see whether dns.nameservers "
             "answer";
    case DnsShare::domain:
    case DnsShare::subdomain:
      return "one domain has many names that are answered slowly; the log lines with "
             "action=tempfail "
             "name it";
  }
  return "";
}

/// What a reload cannot change.
std::string settings_of_the_start(const Config& config) {
  std::string text =
      fmt::format("{:o} {} {}", config.milter.socket_mode, config.milter.socket_group,
                  config.metrics_listen ? config.metrics_listen->text() : "");
  for (const SocketAddress& socket : config.milter.sockets) text += ' ' + socket.text();
  return text;
}

/// What is wrong with drop-ins: whoever looks after a few domains of many can read it.
void log_faults(const KeyRing& keys, Logger& logger) {
  const auto& faults = keys.faults();
  for (std::size_t i = 0; i < std::min(faults.size(), kFaultLines); ++i)
    logger.error("not in force", {{"reason", faults[i]}});
  if (faults.size() > kFaultLines) {
    logger.error("more of signing.directory is not in force: see authmilterd --check-config",
                 {{"faults", static_cast<std::int64_t>(faults.size())}});
  }
}

/// Ends the process as it is. libmilter's threads are detached and may be at work on connections
/// that are cut off, so nothing may be destroyed under them; and smfi_stop() would be no help: it
/// takes libmilter's locks from its listener, which may be destroying them.
[[noreturn]] void leave(ExitCode code, Logger& logger) {
  logger.flush();
  check_for_leaks();
  std::_Exit(static_cast<int>(code));
}

/// What happens beside the mail: signals, the watchdog, notices. Runs in a thread of its own, and
/// ends the process when it is time.
class Housekeeping {
 public:
  Housekeeping(const DaemonOptions& options, RuntimeHolder& runtimes, Logger& logger,
               ProcessMetrics& process_metrics, DnsMetrics& dns_metrics, Notifier& notifier,
               const ListeningSocket& socket, std::unique_ptr<DnsTrouble> dns_trouble,
               Metrics& metrics, ReportWriter& reports, std::size_t process)
      : options_(options),
        runtimes_(runtimes),
        logger_(logger),
        process_metrics_(process_metrics),
        dns_metrics_(dns_metrics),
        notifier_(notifier),
        socket_(socket),
        dns_trouble_(std::move(dns_trouble)),
        reports_(reports),
        key_states_(runtimes, logger, metrics, process),
        start_settings_(settings_of_the_start(runtimes.get()->config())) {}

  [[noreturn]] void run() {
    for (;;) {
      try {
        step();
      } catch (const std::exception& e) {
        logger_.error("internal error", {{"callback", "housekeeping"}, {"what", e.what()}});
        if (!stopping_) notifier_.ready();
      }
    }
  }

 private:
  void step() {
    switch (wait_for_signal(stopping_ ? std::chrono::milliseconds(kDrainTick) : kTick)) {
      case SignalEvent::reload:
        if (!stopping_) begin_to_reload();
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
    process_metrics_.tick();
    if (stopping_) {
      const auto now = Clock::now();
      if (process_metrics_.messages_in_hand() != 0) last_in_hand_ = now;
      if (now - last_in_hand_ >= kSettleTime || now >= drained_by_) stop();
      return;
    }
    if (const int error = last_accept_error(); error != 0) {
      logger_.warning("new connections have to wait",
                      {{"reason", std::string(std::strerror(error))}});
    }
    look_at_dns();
    look_at_tokens();
    report_overloads();
    if (loading_.valid() && loading_.wait_for(0s) == std::future_status::ready) end_reload();
    if (!loading_.valid() && key_states_.look(Clock::now()) == KeyStateWatch::Found::unread_keys)
      begin_to_reload();
  }

  /// The first at once, then what has come together in a minute.
  void report_overloads() {
    const auto now = Clock::now();
    if (now < next_overload_line_) return;
    for (const auto& overload : dns_metrics_.take_overloads()) {
      next_overload_line_ = now + kOverloadLines;
      logger_.error("messages are deferred: too many DNS look-ups are under way",
                    {{"share", std::string(to_string(overload.share))},
                     {"questions", static_cast<std::int64_t>(overload.questions)},
                     {"client", overload.client ? overload.client->text() : "-"},
                     {"advice", std::string(advice_on(overload.share))}});
    }
  }

  void look_at_dns() {
    const auto runtime = runtimes_.get();
    for (std::string notice = runtime->dns_notice(); !notice.empty();
         notice = runtime->dns_notice())
      logger_.warning(notice);
    process_metrics_.validating(runtime->dns_validation());
    if (dns_trouble_) dns_trouble_->look(Clock::now());
  }

  void look_at_tokens() {
    const TokenHealth health = runtimes_.get()->keys().take_token_health();
    process_metrics_.tokens(health);
    for (const TokenEvent& event : health.events) {
      switch (event.kind) {
        case TokenEvent::Kind::failed:
          logger_.error("mail is deferred: a signing key cannot be had",
                        {{"of", event.subject}, {"reason", event.reason}});
          break;
        case TokenEvent::Kind::recovered:
          logger_.info("a signing key can be had again", {{"of", event.subject}});
          break;
      }
    }
  }

  /// Reads the configuration in a thread of its own: that of many keys takes longer than the
  /// watchdog waits.
  void begin_to_reload() {
    if (loading_.valid()) {
      reload_again_ = true;  // what is being read may be from before the change
      return;
    }
    notifier_.reloading();
    loading_ = std::async(std::launch::async, [this, previous = runtimes_.get()] {
      return Runtime::load(options_.config, options_.host_name, previous.get(), &dns_metrics_);
    });
    // Most are read at once.
    if (loading_.wait_for(kTick / 2) == std::future_status::ready) end_reload();
  }

  void end_reload() {
    take_over(loading_.get());
    notifier_.ready();
    if (!std::exchange(reload_again_, false)) return;
    begin_to_reload();
  }

  void take_over(const Result<std::shared_ptr<const Runtime>>& loaded) {
    if (!loaded) {
      process_metrics_.reload_failed();
      logger_.error("cannot reload, the old configuration stays in force",
                    {{"reason", loaded.error().message}});
      return;
    }
    const auto runtime = *loaded;
    const Config& config = runtime->config();
    logger_.configure(config.log);
    runtimes_.set(runtime);
    process_metrics_.reloaded(*runtime);
    logger_.info("configuration reloaded", {{"file", options_.config.string()}});
    log_faults(runtime->keys(), logger_);
    reports_.configure(config.reports);
    if (settings_of_the_start(config) != start_settings_) {
      logger_.warning("changes of the sockets and of metrics.listen need a restart");
    }
  }

  void begin_to_stop() {
    stopping_ = true;
    last_in_hand_ = Clock::now();
    drained_by_ = last_in_hand_ + runtimes_.get()->config().dns.message_timeout + kDrainMargin;
    notifier_.stopping();
    socket_.remove_file();
    logger_.info("stopping", {{"messages_in_hand",
                               static_cast<std::int64_t>(process_metrics_.messages_in_hand())}});
  }

  void hurry() { drained_by_ = Clock::now(); }

  [[noreturn]] void stop() {
    key_states_.note_uses();
    reports_.stop(kReportTime);
    logger_.info("stopped");
    leave(ExitCode::ok, logger_);
  }

  const DaemonOptions& options_;
  RuntimeHolder& runtimes_;
  Logger& logger_;
  ProcessMetrics& process_metrics_;
  DnsMetrics& dns_metrics_;
  Notifier& notifier_;
  const ListeningSocket& socket_;
  const std::unique_ptr<DnsTrouble> dns_trouble_;  // null: another process watches
  ReportWriter& reports_;
  KeyStateWatch key_states_;
  const std::string start_settings_;
  std::future<Result<std::shared_ptr<const Runtime>>>
      loading_;  // valid while a reload is under way
  bool reload_again_ = false;
  Clock::time_point next_overload_line_;
  bool stopping_ = false;
  Clock::time_point last_in_hand_;
  Clock::time_point drained_by_;
};

}  // namespace

ExitCode cannot_start(ExitCode code, const Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  return code;
}

ExitCode serve(const DaemonOptions& options, const ServedSocket& socket, Config config,
               Notifier& notifier, Metrics& metrics) {
  const MilterConfig milter = config.milter;
  const std::string authserv_id = config.authserv_id->text();
  const LogConfig log = config.log;
  const ReportsConfig reports_config = config.reports;
  const std::size_t processes = config.milter.sockets.size();
  DnsMetrics dns_metrics(metrics);
  auto runtime = Runtime::make(std::move(config), nullptr, &dns_metrics);
  if (!runtime) return cannot_start(ExitCode::config, runtime.error());
  ProcessMetrics process_metrics(metrics, socket.number);
  process_metrics.configured(**runtime);
  Logger logger(log);
  log_faults((*runtime)->keys(), logger);
  RuntimeHolder runtimes(std::move(*runtime));

  ReportWriter reports(logger, metrics, socket.number, processes);
  const auto registered =
      register_milter({runtimes, logger, metrics, reports, socket.number}, socket.address);
  if (!registered) return cannot_start(ExitCode::config, registered.error());
  const auto listening = ListeningSocket::open(socket.address, milter, logger);
  if (!listening) return cannot_start(ExitCode::unavailable, listening.error());

  reports.configure(reports_config);
  process_metrics.tick();
  // The counts are those of all processes, so one of them tells.
  auto dns_trouble = socket.number == 0 ? std::make_unique<DnsTrouble>(metrics, logger) : nullptr;
  Housekeeping housekeeping(options, runtimes, logger, process_metrics, dns_metrics, notifier,
                            *listening, std::move(dns_trouble), metrics, reports, socket.number);
  std::thread([&housekeeping] { housekeeping.run(); }).detach();
  logger.info("serving", {{"socket", socket.address.text()}, {"authserv_id", authserv_id}});
  notifier.ready();
  // Returns only when it cannot go on.
  run_milter();
  listening->remove_file();
  logger.error("libmilter has given up");
  leave(ExitCode::software, logger);
}

ExitCode serve_alone(const DaemonOptions& options, Config config, Metrics& metrics) {
  const auto server = serve_metrics(options, config, metrics);
  if (!server) return cannot_start(ExitCode::unavailable, server.error());
  SystemdNotifier notifier;
  const ServedSocket socket{config.milter.sockets.front()};
  return serve(options, socket, std::move(config), notifier, metrics);
}

Result<std::unique_ptr<MetricsServer>> serve_metrics(const DaemonOptions& options,
                                                     const Config& config, const Metrics& metrics) {
  if (!config.metrics_listen) return std::unique_ptr<MetricsServer>();
  std::vector<std::string> sockets;
  for (const SocketAddress& socket : config.milter.sockets) sockets.push_back(socket.text());
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return MetricsServer::start(
      *config.metrics_listen,
      {.version = options.version,
       .started = std::chrono::duration_cast<std::chrono::seconds>(now).count(),
       .sockets = std::move(sockets)},
      metrics);
}

}  // namespace authmilter
