#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <authmilter/budget_resolver.h>
#include <authmilter/key_publication.h>
#include <authmilter/key_states.h>
#include <authmilter/rotation.h>
#include <authmilter/zone_watch.h>

#include "commands.h"
#include "options/command_runtime.h"
#include "output/json.h"
#include "output/output.h"
#include "rotation/dns_changes.h"
#include "rotation/domain_choice.h"
#include "rotation/hook.h"
#include "rotation/key_making.h"
#include "rotation/key_removal.h"
#include "rotation/key_rows.h"
#include "rotation/watch.h"

namespace authmilter::tools {
namespace {

using namespace std::chrono_literals;

// A run of the timer leaves the rest to the next one.
constexpr auto kWatchTime = 10min;

struct RotationOptions {
  DnsOptions dns;
  TimeOption time;
  std::vector<std::string> domains;
  std::string selector;
  std::string type;
  std::string format;
  unsigned port = 53;
  bool quick = false;
  bool writes = false;
  bool last_of_its_kind = false;
};

std::string check_port(const std::string& text) {
  unsigned port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  return whole && port >= 1 && port <= 65535 ? "" : "must be a port from 1 to 65535";
}

/// Of a run that goes on with the other domains: the worst.
void worsen(ExitStatus& status, ExitStatus other) {
  if (static_cast<int>(other) > static_cast<int>(status)) status = other;
}

/// What the configuration has and this command does not look after.
ExitStatus say_what_is_left_out(const SigningConfig& signing) {
  ExitStatus status = ExitStatus::done;
  for (const auto& drop_in : signing.drop_ins) {
    if (!drop_in->fault.empty()) status = fail(ExitStatus::negative, drop_in->fault);
  }
  for (const std::string& fault : signing.faults) status = fail(ExitStatus::negative, fault);
  if (signing.tables != nullptr) {
    note(fmt::format("the keys of signing.key_table ({}) are left out: they are changed by hand",
                     signing.table_names.keys.text()));
  }
  return status;
}

std::string format_of(const RotationOptions& options, const CommonOptions& common,
                      const char* otherwise) {
  if (common.json) return "json";
  return options.format.empty() ? otherwise : options.format;
}

ExitStatus write_changes(const std::vector<RecordChange>& changes, const std::string& format,
                         ExitStatus status) {
  if (format == "nsupdate") return write_out(nsupdate_text(changes), status);
  if (format == "zone") return write_out(zone_text(changes), status);
  std::vector<Json> list;
  for (const RecordChange& change : changes) list.push_back(change_json(change));
  return write_json(list, status);
}

// rotate

std::vector<KeyType> types_of(const std::string& word) {
  if (word == "rsa") return {KeyType::rsa};
  if (word == "ed25519") return {KeyType::ed25519};
  if (word == "both") return {KeyType::rsa, KeyType::ed25519};
  return {};
}

ExitStatus run_rotate(const RotationOptions& options, const CommonOptions& common) {
  const auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const auto domains = chosen_domains(*config, options.domains);
  if (!domains) return fail(ExitStatus::negative, domains.error());
  const KeyStateFiles states(config->signing.state_directory);
  ExitStatus status = say_what_is_left_out(config->signing);
  std::vector<RecordChange> changes;
  bool made = false;
  for (std::span<const SigningDomainConfig* const> rest = *domains; !rest.empty();) {
    const auto some =
        rotate_some(*config, rest, states, {time_or_now(options.time), types_of(options.type)});
    if (!some) {
      worsen(status, fail(ExitStatus::cannot_create, some.error()));
      break;
    }
    std::vector<RecordChange> new_changes;
    for (std::size_t i = 0; i < some->size(); ++i) {
      const Result<Rotated>& rotated = (*some)[i];
      if (!rotated) {
        worsen(status, fail(ExitStatus::negative, rotated.error()));
        continue;
      }
      for (const std::string& line : rotated->notes) note(line);
      if (!rotated->skipped.empty()) note(rest[i]->domain.text() + ": " + rotated->skipped);
      made = made || !rotated->made.empty();
      for (const Selector& selector : rotated->made) {
        const auto needed =
            record_changes(*rotated->keys.find(selector), rotated->keys, config->rotation);
        if (!needed) {
          worsen(status, fail(ExitStatus::negative, needed.error()));
          continue;
        }
        new_changes.insert(new_changes.end(), needed->begin(), needed->end());
      }
    }
    for (const std::string& failure : run_hook(config->rotation.hook, new_changes))
      worsen(status, fail(ExitStatus::negative, failure));
    changes.insert(changes.end(), new_changes.begin(), new_changes.end());
    rest = rest.subspan(some->size());
  }
  if (made) note("publish the records and reload authmilterd; authmilter key watch does the rest");
  return write_changes(changes, format_of(options, common, "zone"), status);
}

// publish

ExitStatus run_publish(const RotationOptions& options, const CommonOptions& common) {
  const auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const auto domains = chosen_domains(*config, options.domains);
  if (!domains) return fail(ExitStatus::negative, domains.error());
  const KeyStateFiles states(config->signing.state_directory);
  ExitStatus status = say_what_is_left_out(config->signing);
  std::vector<RecordChange> changes;
  for (const SigningDomainConfig* domain : *domains) {
    const auto state = states.read(domain->domain);
    if (!state) {
      worsen(status, fail(ExitStatus::negative, state.error()));
      continue;
    }
    if (!*state) continue;
    const DnsChanges needed = dns_changes(*config, *domain, **state);
    for (const std::string& trouble : needed.troubles)
      worsen(status, fail(ExitStatus::negative, trouble));
    changes.insert(changes.end(), needed.changes.begin(), needed.changes.end());
  }
  return write_changes(changes, format_of(options, common, "zone"), status);
}

// watch

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

// status

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

// retire

/// A key whose record nobody needs, or nobody ever had, goes away.
ExitStatus retire(const Config& config, const SigningDomainConfig& domain,
                  const KeyStateFiles& states, const DomainKeys& keys, const KeyLife& key,
                  const RotationOptions& options) {
  const std::string name = key.selector.text() + " of " + domain.domain.text();
  switch (key.state) {
    case KeyState::active: {
      const auto changed =
          make_way(keys, key.selector, time_or_now(options.time), config.rotation,
                   options.last_of_its_kind ? LastOfItsKind::is_given_up : LastOfItsKind::stays);
      if (!changed) return fail(ExitStatus::negative, changed.error());
      const auto written = states.write(*changed);
      return written ? ExitStatus::done : fail(ExitStatus::cannot_create, written.error());
    }
    case KeyState::retiring:
      return fail(ExitStatus::negative,
                  name + ": " + describe_next_step(key, keys, config.rotation));
    case KeyState::retired:
      if (key.gone_for_good()) break;
      return fail(ExitStatus::negative,
                  name + ": " + describe_next_step(key, keys, config.rotation));
    case KeyState::pending:
      break;
  }
  const auto dropped = drop_key(config, domain, states, keys, key.selector);
  if (!dropped) return fail(ExitStatus::cannot_create, dropped.error());
  for (const std::string& line : *dropped) note(line);
  if (key.published != Publication::missing) note("remove its record from the DNS");
  note("reload authmilterd");
  return ExitStatus::done;
}

ExitStatus run_retire(const RotationOptions& options, const CommonOptions& common) {
  const auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const auto domains = chosen_domains(*config, options.domains);
  if (!domains) return fail(ExitStatus::negative, domains.error());
  const SigningDomainConfig& domain = *domains->front();
  const KeyStateFiles states(config->signing.state_directory);
  const auto lock = states.lock();
  if (!lock) return fail(ExitStatus::cannot_create, lock.error());
  const auto state = states.read(domain.domain);
  if (!state) return fail(ExitStatus::negative, state.error());
  const auto selector = *Selector::parse(options.selector);
  const KeyLife* key = *state ? (*state)->find(selector) : nullptr;
  if (key == nullptr) {
    return fail(ExitStatus::negative,
                domain.domain.text() + " " + selector.text() + ": there is no state of this key");
  }
  return retire(*config, domain, states, **state, *key, options);
}

using Run = ExitStatus (*)(const RotationOptions&, const CommonOptions&);

Command add_action(const Command& parent, Context& context, const char* name, const char* text,
                   const std::shared_ptr<RotationOptions>& options, Run run) {
  const Command command = parent.add_subcommand(name, text);
  add_common_options(command, context.common);
  command.runs([options, &context, run] { context.status = run(*options, context.common); });
  return command;
}

void add_domains(const Command& command, RotationOptions& options) {
  command.add_list("domains", options.domains, "domains (default: all of the configuration)")
      .check(check_domain_name)
      .stands_as("DOMAIN...");
}

}  // namespace

void add_key_rotation_commands(const Command& key, Context& context) {
  constexpr const char* kTime = "seconds since 1970; without it, now";
  {
    const auto options = std::make_shared<RotationOptions>();
    const Command command =
        add_action(key, context, "rotate", "Make the next keys of domains", options, run_rotate);
    add_domains(command, *options);
    command.add_text("--type", options->type, "kind of key (default: those that the domain has)")
        .one_of({"rsa", "ed25519", "both"})
        .stands_as("TYPE");
    command.add_text("--format", options->format, "of the records (default: zone)")
        .one_of({"zone", "nsupdate", "json"})
        .stands_as("FORMAT");
    add_time_option(command, options->time, kTime);
  }
  {
    const auto options = std::make_shared<RotationOptions>();
    const Command command = add_action(
        key, context, "watch", "Look at the records of changing keys, and go on with the change",
        options, run_watch);
    add_domains(command, *options);
    add_dns_options(command, options->dns);
    command.add_number("--server-port", options->port, "port of the zones' servers (default: 53)")
        .check(check_port)
        .stands_as("NUMBER");
    command.add_flag("--no-pause", options->quick, "ask a server as often as it answers");
    add_time_option(command, options->time, kTime);
    command.add_flag("--write", options->writes, "with --time: change the state all the same");
  }
  {
    const auto options = std::make_shared<RotationOptions>();
    const Command command =
        add_action(key, context, "status", "Show every key, its state and what to do next", options,
                   run_status);
    add_domains(command, *options);
    add_dns_options(command, options->dns);
    command.add_text("--format", options->format, "text, json or csv (default: text)")
        .one_of({"text", "json", "csv"})
        .stands_as("FORMAT");
    add_time_option(command, options->time, kTime);
  }
  {
    const auto options = std::make_shared<RotationOptions>();
    const Command command = add_action(
        key, context, "publish", "Show the changes that the DNS needs now", options, run_publish);
    add_domains(command, *options);
    command.add_text("--format", options->format, "of the records (default: zone)")
        .one_of({"zone", "nsupdate", "json"})
        .stands_as("FORMAT");
  }
  {
    const auto options = std::make_shared<RotationOptions>();
    const Command command = add_action(
        key, context, "retire", "Take a key out of use, or away for good", options, run_retire);
    command.add_list("domain", options->domains, "domain of the key")
        .check(check_domain_name)
        .required()
        .stands_as("DOMAIN");
    command.add_text("selector", options->selector, "selector of the key")
        .check(check_selector)
        .required()
        .stands_as("SELECTOR");
    command.add_flag("--last-of-its-kind", options->last_of_its_kind,
                     "give this kind of key up: keys of another kind sign");
    add_time_option(command, options->time, kTime);
  }
}

}  // namespace authmilter::tools
