#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <authmilter/budget_resolver.h>
#include <authmilter/key_states.h>
#include <authmilter/rotation.h>
#include <authmilter/zone_watch.h>

#include "commands.h"
#include "options/command_runtime.h"
#include "output/json.h"
#include "output/output.h"
#include "rotation/domain_choice.h"
#include "rotation/key_rows.h"
#include "rotation/rotation_run.h"
#include "rotation/watch.h"

namespace authmilter::tools {
namespace {

using namespace std::chrono_literals;

// A run of the timer leaves the rest to the next one.
constexpr auto kWatchTime = 10min;

// Of four domains three whose keys are changing, as long as there are both.
constexpr std::size_t kChangingInTurn = 3;

/// Both lists, so that neither waits for the end of the other.
std::vector<const SigningDomainConfig*> in_turns(
    const std::vector<const SigningDomainConfig*>& changing,
    const std::vector<const SigningDomainConfig*>& others) {
  std::vector<const SigningDomainConfig*> all;
  auto other = others.begin();
  for (std::size_t i = 0; i < changing.size(); ++i) {
    all.push_back(changing[i]);
    if ((i + 1) % kChangingInTurn == 0 && other != others.end()) all.push_back(*other++);
  }
  all.insert(all.end(), other, others.end());
  return all;
}

/// Those that are named, or all that have a state. A run may end before the last of them: each
/// begins with those that have waited the longest, and most of its time is for keys that are
/// changing.
Result<std::vector<const SigningDomainConfig*>> watched_domains(const Config& config,
                                                                const KeyStateFiles& states,
                                                                const RotationOptions& options) {
  auto domains = chosen_domains(config, options.domains);
  if (!domains) return domains;
  const auto of_states = states.domains();
  if (!of_states) return of_states.error();
  if (options.domains.empty()) {
    std::erase_if(*domains, [&](const auto* domain) {
      return !std::binary_search(of_states->begin(), of_states->end(), domain->domain);
    });
  }
  const auto known = KeyStates::load(config.signing.state_directory);
  const auto looked = [&](const SigningDomainConfig* domain) {
    const DomainKeys* keys = known->find(domain->domain.text());
    return keys == nullptr ? std::int64_t{0} : keys->looked.time;
  };
  std::stable_sort(domains->begin(), domains->end(),
                   [&](const auto* a, const auto* b) { return looked(a) < looked(b); });
  std::vector<const SigningDomainConfig*> changing;
  std::vector<const SigningDomainConfig*> others;
  for (const SigningDomainConfig* domain : *domains) {
    const DomainKeys* keys = known->find(domain->domain.text());
    (keys == nullptr || keys->changing() ? changing : others).push_back(domain);
  }
  return in_turns(changing, others);
}

Json event_json(const DomainName& domain, const KeyEvent& event) {
  return {{"domain", domain.text()},
          {"selector", event.selector.text()},
          {"event", to_string(event.kind)},
          {"detail", event.detail}};
}

}  // namespace

ExitStatus run_watch(const RotationOptions& options, const CommonOptions& common) {
  auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const KeyStateFiles states(config->signing.state_directory);
  const auto domains = watched_domains(*config, states, options);
  if (!domains) return fail(ExitStatus::negative, domains.error());
  const CommandRuntime runtime(*config, options.dns);
  if (!runtime) return runtime.report_failure();
  ZoneWatchOptions how;
  how.timeout = config->dns.timeout;
  how.port = static_cast<std::uint16_t>(options.port);
  if (options.quick) how.pause = 0ms;
  ZoneWatch zones(runtime->resolver(), how);
  const auto uses = states.last_uses();
  const bool pretends = options.time && !options.writes;
  const Lookout from{*config,
                     states,
                     uses,
                     zones,
                     runtime->resolver(),
                     pretends ? Writing::nothing : Writing::state};
  if (pretends) note("of a time that was given nothing is written down (--write)");
  const auto until = std::chrono::steady_clock::now() + kWatchTime;
  ExitStatus status = say_what_is_left_out(config->signing);
  if (const Moment now = moment_of(options.time); !now.simulated && now.boot.empty()) {
    note(
        "how long this system runs is not known (/proc/sys/kernel/random/boot_id): no time counts");
    worsen(status, ExitStatus::negative);
  }
  std::vector<Json> list;
  std::string text;
  for (const SigningDomainConfig* domain : *domains) {
    if (std::chrono::steady_clock::now() >= until) {
      note("ten minutes are over: the other domains are looked at the next time");
      break;
    }
    const Watched watched = watch_domain(from, *domain, moment_of(options.time));
    if (!watched.trouble.empty()) note(watched.trouble);
    if (watched.alarm) worsen(status, ExitStatus::negative);
    for (const KeyEvent& event : watched.events) {
      list.push_back(event_json(domain->domain, event));
      text += fmt::format("{} {}: {}{}\n", domain->domain.text(), event.selector.text(),
                          to_string(event.kind),
                          event.detail.empty() ? "" : " (" + printable(event.detail) + ")");
    }
  }
  return common.json ? write_json(list, status) : write_out(text, status);
}

namespace {

Json row_json(const KeyRow& row) {
  return {{"domain", row.domain},
          {"selector", row.selector},
          {"type", row.type},
          {"bits", row.bits},
          {"state", row.state},
          {"since", row.since == 0 ? Json() : Json(print_utc(row.since).substr(0, 10))},
          {"published", row.published},
          {"servers", row.servers},
          {"dnssec", row.dnssec},
          {"last_used",
           row.last_used == 0 ? Json() : Json(print_utc(row.last_used * 86400).substr(0, 10))},
          {"next", row.next}};
}

}  // namespace

ExitStatus run_status(const RotationOptions& options, const CommonOptions& common) {
  auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const auto domains = chosen_domains(*config, options.domains);
  if (!domains) return fail(ExitStatus::negative, domains.error());
  const KeyStateFiles states(config->signing.state_directory);
  const CommandRuntime runtime(*config, options.dns);
  if (!runtime) return runtime.report_failure();
  const auto uses = states.last_uses();
  ExitStatus status = say_what_is_left_out(config->signing);
  std::vector<KeyRow> rows;
  const std::int64_t now = time_or_now(options.time);
  for (const SigningDomainConfig* domain : *domains) {
    const auto of_domain = key_rows(*config, *domain, states, uses, runtime->resolver(), now);
    if (!of_domain) {
      worsen(status, fail(ExitStatus::negative, of_domain.error()));
      continue;
    }
    rows.insert(rows.end(), of_domain->begin(), of_domain->end());
  }
  if (std::any_of(rows.begin(), rows.end(), [](const KeyRow& row) { return row.needs_person; }))
    worsen(status, ExitStatus::negative);
  const std::string format = format_of(options, common, "text");
  if (format == "csv") return write_out(rows_as_csv(rows, now), status);
  if (format == "text") return write_out(rows_as_text(rows, now), status);
  std::vector<Json> list;
  for (const KeyRow& row : rows) list.push_back(row_json(row));
  return write_json(list, status);
}

}  // namespace authmilter::tools
