#include <charconv>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <authmilter/key_publication.h>
#include <authmilter/key_states.h>
#include <authmilter/rotation.h>

#include "commands.h"
#include "output/json.h"
#include "output/output.h"
#include "rotation/dns_changes.h"
#include "rotation/domain_choice.h"
#include "rotation/hook.h"
#include "rotation/key_making.h"
#include "rotation/key_removal.h"
#include "rotation/rotation_run.h"

namespace authmilter::tools {
namespace {

std::string check_port(const std::string& text) {
  unsigned port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  return whole && port >= 1 && port <= 65535 ? "" : "must be a port from 1 to 65535";
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
  const auto domains = chosen_domains(*config, {options.domain});
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
    command.add_text("domain", options->domain, "domain of the key")
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
