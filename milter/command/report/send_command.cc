#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include <authmilter/host_name.h>
#include <authmilter/report_sending.h>

#include "options/command_runtime.h"
#include "output/json.h"
#include "output/output.h"
#include "output/progress.h"
#include "report/hand_over_process.h"
#include "report/own_mail.h"
#include "report/report_commands.h"
#include "report/send_lock.h"
#include "report/store_options.h"

namespace authmilter::tools {
namespace {

// A run that was killed still has an entry in hand for as long as its MTA takes.
constexpr std::chrono::seconds kPatience{330};

struct SendOptions {
  bool dry_run = false;
  std::string day;
  std::string domain;
  std::string out;
  TimeOption time;
  DnsOptions dns;
};

/// "2026-11-28".
std::optional<ReportDay> parse_day(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const auto number = [&](std::size_t at, std::size_t size, auto& value) {
    const char* const begin = text.data() + at;
    return std::from_chars(begin, begin + size, value).ptr == begin + size;
  };
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  if (!number(0, 4, year) || !number(5, 2, month) || !number(8, 2, day)) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return static_cast<ReportDay>(std::chrono::sys_days(date).time_since_epoch().count());
}

std::string check_day(const std::string& text) {
  return parse_day(text) ? "" : "\"" + text + "\" is not a day: 2026-11-28";
}

std::string day_text(ReportDay day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

SendPeriod period_of(const SendOptions& options) {
  SendPeriod period{time_or_now(options.time)};
  if (!options.day.empty()) period.day = parse_day(options.day);
  if (!options.domain.empty()) period.domain = DomainName::parse(options.domain);
  return period;
}

// Asked to stop: the entry in hand is ended, and no other begun.

std::atomic<bool> stop_asked{false};  // NOLINT: a signal's handler has no other way

extern "C" void on_stop(int) noexcept { stop_asked = true; }

void stop_by_signals() {
  struct sigaction action {};
  action.sa_handler = on_stop;
  // The second one ends us at once.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

// What is said at the end.

Json line_json(const SendLine& line) {
  const SendEntry& entry = line.entry;
  return {{"day", day_text(entry.day)},
          {"domain", entry.policy_domain.text()},
          {"destination", entry.destination},
          {"recipients", line.recipients},
          {"report_id", entry.report_id},
          {"file_name", entry.file_name},
          {"state", to_string(entry.state)},
          {"messages", line.messages},
          {"records", static_cast<std::uint64_t>(line.records)},
          {"detail", entry.detail},
          {"kind", "aggregate"}};
}

std::string line_text(const SendLine& line) {
  const SendEntry& entry = line.entry;
  return fmt::format("{} {} {}: {}{}\n", day_text(entry.day), entry.policy_domain.text(),
                     printable(entry.destination), to_string(entry.state),
                     entry.detail.empty() ? "" : " (" + printable(entry.detail) + ")");
}

Json line_json(const FailureLine& line) {
  return {{"domain", line.domain},
          {"destination", line.destination},
          {"recipients", line.recipients},
          {"incidents", line.incidents},
          {"state", to_string(line.state)},
          {"detail", line.detail},
          {"kind", "failure"}};
}

std::string line_text(const FailureLine& line) {
  return fmt::format("failures {} {}: {}{}\n", line.domain, printable(line.destination),
                     to_string(line.state),
                     line.detail.empty() ? "" : " (" + printable(line.detail) + ")");
}

ExitStatus write(const SendOutcome& outcome, const FailureOutcome& failures, ExitStatus status,
                 const CommonOptions& common) {
  for (const std::string& text : outcome.notes) note(text);
  if (common.json) {
    std::vector<Json> list;
    for (const SendLine& line : outcome.lines) list.push_back(line_json(line));
    for (const FailureLine& line : failures.lines) list.push_back(line_json(line));
    return write_json(list, status);
  }
  std::string text;
  for (const SendLine& line : outcome.lines) text += line_text(line);
  for (const FailureLine& line : failures.lines) text += line_text(line);
  return write_out(text, status);
}

ExitStatus status_of(const SendOutcome& outcome) {
  if (outcome.trouble) return fail(*outcome.trouble);
  if (outcome.elsewhere) {
    note("another host is sending");
    return ExitStatus::temporary;
  }
  if (outcome.stopped) note("stopped: what is left is sent the next time");
  for (const SendLine& line : outcome.lines) {
    if (line.entry.state == SendState::planned || line.entry.state == SendState::sending)
      return ExitStatus::temporary;
  }
  return outcome.stopped ? ExitStatus::temporary : ExitStatus::done;
}

// A rehearsal.

Status write_file(const std::filesystem::path& path, const std::string& octets) {
  const auto failure = [&] {
    return Error{path.string() + ": " + std::generic_category().message(errno)};
  };
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return failure();
  std::string_view rest = octets;
  while (!rest.empty()) {
    const ssize_t written = ::write(file, rest.data(), rest.size());
    if (written <= 0) {
      const Error error = failure();
      ::close(file);
      return error;
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::close(file) != 0) return failure();
  return Done{};
}

ExitStatus rehearse(const SendOptions& options, const Config& config, const ReportSender& sender,
                    const CommonOptions& common) {
  if (!options.out.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.out, error);
    if (error) return fail(ExitStatus::cannot_create, options.out + ": " + error.message());
  }
  const CommandRuntime runtime(config, options.dns);
  if (!runtime) return runtime.report_failure();
  const auto store = ReportStore::open(*config.reports.store, ReportStore::Access::read);
  if (!store) return fail(store.error());
  Progress progress("reports");
  const SendRun run{
      **store,
      runtime->resolver(),
      config.reports,
      sender,
      file_composer(),
      [&](const SendLine&, std::size_t done, std::size_t all) { progress.at(done, all); },
      [] { return stop_asked.load(); }};
  std::string failure;
  const SendOutcome outcome = rehearse_reports(
      run, period_of(options), [&](const SendLine& line, const OutgoingReport& file) -> Status {
        if (options.out.empty()) return Done{};
        const Status written =
            write_file(std::filesystem::path(options.out) / line.entry.file_name, file.octets);
        if (!written) failure = written.error().message;
        return written;
      });
  if (!failure.empty()) return fail(ExitStatus::cannot_create, failure);
  if (outcome.trouble) return fail(*outcome.trouble);
  return write(outcome, {}, ExitStatus::done, common);
}

// The real thing.

/// Hosts of a fleet may share either name.
std::string holder_of(const Config& config) {
  return host_name() + " " + (config.authserv_id ? config.authserv_id->text() : "");
}

ExitStatus send(const SendOptions& options, const Config& config, const ReportSender& sender,
                const CommonOptions& common) {
  const auto lock = SendLock::take(config.reports, kPatience);
  if (!lock) return fail(ExitStatus::temporary, lock.error());
  // Before there are threads.
  const auto hand_over =
      HandOverProcess::start(*config.reports.store, config.reports.deliver, sender);
  if (!hand_over) return fail(ExitStatus::internal, hand_over.error());
  stop_by_signals();
  const CommandRuntime runtime(config, options.dns);
  if (!runtime) return runtime.report_failure();
  const auto store = ReportStore::open(*config.reports.store, ReportStore::Access::write);
  if (!store) return fail(store.error());
  OwnMail mail(config, sender);
  Progress progress("reports");
  const SendRun run{
      **store,
      runtime->resolver(),
      config.reports,
      sender,
      mail.composer(),
      [&](const SendLine&, std::size_t done, std::size_t all) { progress.at(done, all); },
      [] { return stop_asked.load(); }};
  // The lock keeps runs of this host apart: the next one goes on with the lease of one that was
  // killed.
  const std::function<std::int64_t()> clock = [] {
    return static_cast<std::int64_t>(std::time(nullptr));
  };
  const SendPeriod period = period_of(options);
  const SendOutcome outcome = send_reports(run, **hand_over, period, holder_of(config), clock);
  ExitStatus status = status_of(outcome);
  FailureOutcome failures;
  // Those of this host, whoever sends the others. They have no day.
  const bool all = !period.day && !period.domain && !outcome.trouble && !outcome.stopped;
  const std::string folder = failures_folder(config.reports);
  if (all && config.reports.failure_reports && !folder.empty()) {
    FailureSpool spool(folder);
    failures =
        send_failures(spool, run, mail.failure_composer(),
                      *make_report_carrier(config.reports.deliver, sender), period.now, clock);
    if (!failures.trouble.empty()) status = fail(ExitStatus::temporary, failures.trouble);
  }
  return write(outcome, failures, status, common);
}

ExitStatus run_send(const SendOptions& options, const CommonOptions& common) {
  const auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  if (!options.out.empty() && !options.dry_run)
    return fail(ExitStatus::usage, "report send: --out needs --dry-run");
  // A timer runs where nothing is configured, too.
  if (!config->reports.store || config->reports.organization.empty()) {
    note(std::string("report send: nothing is sent: ") +
         (config->reports.store ? "reports.organization" : "reports.store") + " is not set");
    return common.json ? write_json(std::vector<Json>(), ExitStatus::done) : ExitStatus::done;
  }
  const auto sender = ReportSender::of(*config);
  if (!sender) return fail(ExitStatus::configuration, sender.error());
  return options.dry_run ? rehearse(options, *config, *sender, common)
                         : send(options, *config, *sender, common);
}

}  // namespace

void add_report_send(const Command& report, Context& context) {
  const Command command = report.add_subcommand("send", "Send the reports that are due");
  const auto options = std::make_shared<SendOptions>();
  command.add_flag("--dry-run", options->dry_run, "make the reports and send nothing");
  command.add_text("--out", options->out, "with --dry-run: write them into this directory")
      .stands_as("DIR");
  command.add_text("--day", options->day, "this UTC day only, such as 2026-11-28")
      .check(check_day)
      .stands_as("DAY");
  command.add_text("--domain", options->domain, "this policy domain only")
      .check(check_domain_name)
      .stands_as("DOMAIN");
  add_time_option(command, options->time, "send what would be due at this time");
  add_dns_options(command, options->dns);
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run_send(*options, context.common); });
}

}  // namespace authmilter::tools
