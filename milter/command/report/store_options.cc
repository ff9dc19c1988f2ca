#include "report/store_options.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "output/output.h"

namespace authmilter::tools {
namespace {

// Nobody keeps more; and a day each is what a chart can show.
constexpr unsigned kMostDays = 400;
constexpr unsigned kWeek = 7;

/// "30d", "4w"; 0 for anything else.
unsigned days_of(const std::string& text) {
  unsigned number = 0;
  const char* const end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || end - unit != 1 || number > kMostDays) return 0;
  if (*unit == 'w') number *= kWeek;
  if ((*unit != 'd' && *unit != 'w') || number > kMostDays) return 0;
  return number;
}

std::string check_since(const std::string& text) {
  return days_of(text) > 0
             ? ""
             : "\"" + text + "\" is not a number of days or weeks: 30d, 4w (at most " +
                   std::to_string(kMostDays) + " days)";
}

std::string check_store(const std::string& text) {
  const auto address = StoreAddress::parse(text);
  return address ? std::string() : address.error().message;
}

ExitStatus status_of(const StoreError& error) {
  switch (error.kind) {
    case StoreError::Kind::later:
      return ExitStatus::unavailable;
    case StoreError::Kind::refused:
      return ExitStatus::no_input;
  }
  return ExitStatus::internal;
}

}  // namespace

void add_store_options(const Command& command, StoreOptions& options) {
  command
      .add_text("--store", options.store, "the store (default: reports.store of the configuration)")
      .check(check_store)
      .stands_as("URL");
  command.add_text("--since", options.since, "how far back to look")
      .check(check_since)
      .stands_as("TIME")
      .show_default();
  add_time_option(command, options.time, "look as if it were this time");
}

void add_domain_option(const Command& command, StoreOptions& options) {
  command.add_text("--domain", options.domain, "this policy domain only")
      .check(check_domain_name)
      .stands_as("DOMAIN");
}

Period period_of(const StoreOptions& options) {
  const auto days = static_cast<ReportDay>(days_of(options.since));
  const auto last = static_cast<ReportDay>(time_or_now(options.time) / kDaySeconds);
  return {last - days + 1, last};
}

OpenStore::OpenStore(const StoreOptions& options, const Config& config) {
  std::optional<StoreAddress> address = config.reports.store;
  if (!options.store.empty()) address = *StoreAddress::parse(options.store);
  if (!address) {
    status_ = ExitStatus::configuration;
    message_ = "report: there is no store: reports.store is not set, and --store is not given";
    return;
  }
  auto opened = ReportStore::open(*address, ReportStore::Access::read);
  if (opened) {
    store_ = std::move(*opened);
    return;
  }
  status_ = status_of(opened.error());
  message_ = opened.error().message;
}

ExitStatus fail(const StoreError& error) { return fail(status_of(error), error.message); }

}  // namespace authmilter::tools
