#include <memory>
#include <string>

#include <authmilter/host_name.h>
#include <authmilter/key_states.h>

#include "output/output.h"
#include "report/make_page.h"
#include "report/names_option.h"
#include "report/report_commands.h"
#include "report/report_reading.h"

namespace authmilter::tools {
namespace {

struct PageOptions {
  StoreOptions store;
  NamesOption names;
  std::string out = "-";
};

ExitStatus run(const PageOptions& options, const CommonOptions& common) {
  const ReportReading reports(options.store, options.names, common);
  if (!reports) return reports.report_failure();
  const auto page = make_page(reports.store(), period_of(options.store), options.store.domain,
                              host_name(), time_or_now(options.store.time), reports.names().get());
  if (!page) return fail(page.error());
  if (options.out == "-") return write_out(*page, ExitStatus::done);
  const auto written = replace_file(options.out, *page, Links::followed);
  return written ? ExitStatus::done : fail(ExitStatus::cannot_create, written.error());
}

}  // namespace

void add_report_page(const Command& report, Context& context) {
  const Command command = report.add_subcommand(
      "page", "Write one HTML file that shows everything, to be kept or sent");
  const auto options = std::make_shared<PageOptions>();
  options->store.since = "90d";
  command.add_text("--out", options->out, "the file; - is standard output")
      .stands_as("FILE")
      .show_default();
  add_domain_option(command, options->store);
  add_store_options(command, options->store);
  add_names_option(command, options->names);
  add_config_option(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
