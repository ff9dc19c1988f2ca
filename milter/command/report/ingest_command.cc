#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <authmilter/report_reader.h>
#include <authmilter/report_sending.h>

#include "output/output.h"
#include "output/progress.h"
#include "report/kept_aside.h"
#include "report/report_commands.h"
#include "report/report_inputs.h"
#include "report/store_options.h"
#include "report/store_sink.h"

namespace authmilter::tools {
namespace {

/// Clocks of those who report may be wrong by so much.
constexpr std::int64_t kClockError = 2 * 86'400;

struct IngestOptions {
  std::vector<std::string> paths;
  std::string store;  // empty: that of the configuration
  std::string aside;  // empty: nothing is kept aside
  TimeOption time;
  bool check = false;
  bool from_mta = false;
  bool quiet = false;
};

/// sysexits(3): an MTA bounces a mail for most of them. The one who sent the report is not to hear
/// of a typing error in our configuration, and his report is to come again when that is mended.
ExitStatus unless_from_mta(ExitStatus status, const IngestOptions& options) {
  return options.from_mta ? ExitStatus::try_again : status;
}

/// Of one run.
struct Counts {
  std::uint64_t reports = 0;
  std::uint64_t stored = 0, duplicate = 0, rejected = 0, failed = 0;
  std::uint64_t messages = 0;
  bool unreadable = false;  // a file
  bool not_kept = false;    // aside, though it was rejected
};

void count(Counts& counts, const ReportOutcome& outcome) {
  ++counts.reports;
  switch (outcome.status) {
    case ReportOutcome::Status::stored:
      ++counts.stored;
      counts.messages += outcome.messages;
      break;
    case ReportOutcome::Status::duplicate:
      ++counts.duplicate;
      break;
    case ReportOutcome::Status::rejected:
      ++counts.rejected;
      break;
    case ReportOutcome::Status::failed:
      ++counts.failed;
      break;
  }
}

std::string status_word(const ReportOutcome& outcome, const IngestOptions& options) {
  if (options.check && outcome.status == ReportOutcome::Status::stored) return "readable";
  return std::string(to_string(outcome.status));
}

Json json_of(const std::string& name, const ReportOutcome& outcome, const IngestOptions& options) {
  const auto seconds = [](std::int64_t time) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(time, 0));
  };
  return {{"file", name},
          {"status", status_word(outcome, options)},
          {"kind", outcome.kind ? Json(to_string(*outcome.kind)) : Json()},
          {"organization", outcome.organization},
          {"report_id", outcome.report_id},
          {"domain", outcome.domain},
          {"begin", seconds(outcome.begin)},
          {"end", seconds(outcome.end)},
          {"records", outcome.records},
          {"messages", outcome.messages},
          {"reason", outcome.reason},
          {"notes", outcome.notes}};
}

std::string line_of(const std::string& name, const ReportOutcome& outcome,
                    const IngestOptions& options) {
  std::string line = fmt::format("{:<9} ", status_word(outcome, options));
  if (outcome.kind) line += fmt::format("{} ", to_string(*outcome.kind));
  if (!outcome.domain.empty()) line += fmt::format("of {} ", printable(outcome.domain));
  if (!outcome.organization.empty()) line += fmt::format("by {} ", printable(outcome.organization));
  if (outcome.status == ReportOutcome::Status::stored) {
    line += fmt::format("({} records, {} messages) ", outcome.records, outcome.messages);
  }
  line += printable(name);
  if (!outcome.reason.empty()) line += ": " + printable(outcome.reason);
  for (const std::string& text : outcome.notes) line += "; " + printable(text);
  return line + "\n";
}

/// Reads all inputs and says what became of each.
class Ingest {
 public:
  /// `store` knows what was sent; null: nobody does.
  Ingest(const IngestOptions& options, const CommonOptions& common, ReportSink& sink,
         ReportStore* store)
      : options_(options), common_(common), sink_(sink), store_(store), aside_(options.aside) {
    limits_.latest_end = time_or_now(options.time) + kClockError;
  }

  ExitStatus run() {
    auto inputs = ReportInputs::open(options_.paths, limits_.input_octets,
                                     options_.from_mta ? Mboxes::one_mail : Mboxes::split);
    if (!inputs) return fail(unless_from_mta(ExitStatus::no_input, options_), inputs.error());
    Progress progress("reports");
    if (common_.json) say("[");
    inputs->each(
        [&](const ReportInput& input) {
          take(input, progress);
          progress.at(input.read, inputs->octets(), counts_.reports);
          // What the store cannot take now, it will not take of the next.
          return counts_.failed == 0 && said_;
        },
        [&](const Error& error) {
          progress.wipe();
          counts_.unreadable = true;
          fail(ExitStatus::no_input, error);
        });
    progress.wipe();
    if (common_.json) {
      say(counts_.reports == 0 ? "]\n" : "\n]\n");
    } else if (!options_.quiet) {
      say(fmt::format("{} {}, {} duplicate, {} rejected; {} messages\n", counts_.stored,
                      options_.check ? "readable" : "stored", counts_.duplicate, counts_.rejected,
                      counts_.messages));
    }
    // An MTA's mail has been dealt with, whoever hears of it.
    return said_ || options_.from_mta ? exit_status() : ExitStatus::output;
  }

 private:
  void take(const ReportInput& input, Progress& progress) {
    std::string rejected;
    // First: what came back has a report of ours in it, which is none that others have sent.
    const auto returned = returned_report(input.octets);
    const auto outcomes =
        returned ? std::vector{outcome_of(*returned)} : read_reports(input.octets, limits_, sink_);
    for (const ReportOutcome& outcome : outcomes) {
      count(counts_, outcome);
      if (outcome.status == ReportOutcome::Status::rejected) {
        rejected += (rejected.empty() ? "" : "; ") + outcome.reason;
      }
      progress.wipe();
      if (common_.json) {
        say((counts_.reports == 1 ? "\n" : ",\n") + json_of(input.name, outcome, options_).text());
      } else if (!options_.quiet || outcome.status == ReportOutcome::Status::rejected ||
                 outcome.status == ReportOutcome::Status::failed) {
        say(line_of(input.name, outcome, options_));
      }
    }
    if (rejected.empty() || !aside_.wanted()) return;
    if (const Status kept = aside_.keep(input.octets, input.name, rejected); !kept) {
      counts_.not_kept = true;
      fail(ExitStatus::cannot_create, kept.error());
    }
  }

  ReportOutcome outcome_of(const ReturnedReport& returned) {
    ReportOutcome outcome;
    outcome.report_id = returned.report_id;
    outcome.reason = "came back: " + returned.reason;
    outcome.status = ReportOutcome::Status::stored;
    if (store_ == nullptr) return outcome;
    const auto noted = note_returned(*store_, returned, time_or_now(options_.time));
    if (!noted) {
      outcome.status = ReportOutcome::Status::failed;
      outcome.reason = noted.error().message;
    } else if (!*noted) {
      outcome.status = ReportOutcome::Status::rejected;
      outcome.reason = "what came back is none of our reports";
    } else {
      outcome.domain = (*noted)->policy_domain.text();
    }
    return outcome;
  }

  void say(const std::string& text) {
    if (said_) said_ = write_out(text, ExitStatus::done) == ExitStatus::done;
  }

  ExitStatus exit_status() const {
    // sysexits(3): an MTA keeps the mail and brings it again.
    if (counts_.failed > 0) return ExitStatus::try_again;
    if (options_.from_mta) {
      return counts_.not_kept || counts_.unreadable ? ExitStatus::try_again : ExitStatus::done;
    }
    if (counts_.not_kept) return ExitStatus::cannot_create;
    if (counts_.unreadable) return ExitStatus::no_input;
    return counts_.rejected > 0 ? ExitStatus::negative : ExitStatus::done;
  }

  const IngestOptions& options_;
  const CommonOptions& common_;
  ReportSink& sink_;
  ReportStore* store_;
  KeptAside aside_;
  ReportLimits limits_;
  Counts counts_;
  bool said_ = true;
};

OurNames our_names(const Config& config) {
  OurNames names = config.trusted_authserv_ids;
  if (config.authserv_id) names.insert(names.begin(), *config.authserv_id);
  return names;
}

ExitStatus run(const IngestOptions& options, const CommonOptions& common) {
  if (options.from_mta && options.aside.empty()) {
    return fail(ExitStatus::usage, "report ingest: --from-mta needs --keep-aside");
  }
  if (options.check) {
    CheckSink sink;
    return Ingest(options, common, sink, nullptr).run();
  }
  const auto config = read_configuration(common);
  if (!config) return fail(unless_from_mta(ExitStatus::configuration, options), config.error());
  std::optional<StoreAddress> address = config->reports.store;
  if (!options.store.empty()) address = *StoreAddress::parse(options.store);
  if (!address) {
    return fail(unless_from_mta(ExitStatus::configuration, options),
                "report ingest: there is no store: reports.store is not set, and neither --store "
                "nor --check is given");
  }
  const auto store = ReportStore::open(*address, ReportStore::Access::write);
  if (!store) {
    // Whoever pipes mail here has it still.
    const bool later = store.error().kind == StoreError::Kind::later;
    return fail(later ? ExitStatus::try_again : unless_from_mta(ExitStatus::no_input, options),
                store.error().message);
  }
  StoreSink sink(**store, our_names(*config), time_or_now(options.time));
  return Ingest(options, common, sink, store->get()).run();
}

std::string check_store_address(const std::string& text) {
  const auto address = StoreAddress::parse(text);
  return address ? std::string() : address.error().message;
}

}  // namespace

void add_report_ingest(const Command& report, Context& context) {
  const Command command = report.add_subcommand("ingest", "Read reports that others have sent");
  const auto options = std::make_shared<IngestOptions>();
  command.add_list(
      "FILE", options->paths,
      "files, mailboxes (mbox), folders and maildirs with reports in any form (default: "
      "standard input)");
  command
      .add_text("--store", options->store,
                "the store (default: reports.store of the configuration)")
      .check(check_store_address)
      .stands_as("URL");
  command
      .add_text("--keep-aside", options->aside, "folder for a copy of what cannot be read, and why")
      .stands_as("FOLDER");
  command.add_flag("--from-mta", options->from_mta,
                   "for an alias: exit 0 also for what is kept aside, and 75 to have it again");
  command.add_flag("--check", options->check, "read and judge only, without a store");
  command.add_flag("--quiet", options->quiet, "print nothing but what is rejected");
  add_time_option(command, options->time, "take reports until this time, not until now");
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
