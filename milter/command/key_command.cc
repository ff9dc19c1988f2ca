#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <authmilter/budget_resolver.h>
#include <authmilter/key_file.h>
#include <authmilter/key_publication.h>
#include <authmilter/key_ring.h>
#include <authmilter/published_key.h>

#include "commands.h"
#include "options/command_runtime.h"
#include "output/json.h"
#include "output/key_file_writer.h"
#include "output/output.h"

namespace authmilter::tools {
namespace {

struct KeyOptions {
  DnsOptions dns;
  std::string domain;
  std::string selector;
  std::string file;
  std::string type = "rsa";
  unsigned bits = 2048;  // RFC 8301 section 3.2
  bool force = false;

  SigningKey signing_key(std::shared_ptr<const PrivateKey> key) const {
    return {DomainName::parse(domain).value(), Selector::parse(selector).value(), std::move(key)};
  }
};

std::string record_name(const SigningKey& key) {
  return fmt::format("{}._domainkey.{}", key.selector.text(), key.domain.text());
}

/// RFC 1035 section 5.1; the strings hold neither quotes nor backslashes.
std::string zone_form(const SigningKey& key) {
  const auto strings = txt_strings(key_record_text(*key.key));
  std::string text = fmt::format("{}. IN TXT", record_name(key));
  if (strings.size() == 1) return fmt::format("{} \"{}\"\n", text, strings.front());
  text += " (";
  for (const std::string& string : strings) text += fmt::format("\n    \"{}\"", string);
  return text + " )\n";
}

Json key_json(const SigningKey& key) {
  Json json = {{"domain", key.domain.text()}, {"selector", key.selector.text()}};
  if (key.key->unavailable()) return json;  // it may not be known what it is
  json.add("type", to_string(key.key->type()));
  json.add("bits", key.key->bits());
  return json;
}

Json record_json(const SigningKey& key, const std::string& file) {
  const std::string text = key_record_text(*key.key);
  Json json = key_json(key);
  json.add("file", file);
  json.add("name", record_name(key));
  json.add("record", text);
  json.add("strings", txt_strings(text));
  return json;
}

ExitStatus show(const SigningKey& key, const std::string& file, const CommonOptions& common) {
  return common.json ? write_json(record_json(key, file), ExitStatus::done)
                     : write_out(zone_form(key), ExitStatus::done);
}

ExitStatus run_generate(const KeyOptions& options, const CommonOptions& common) {
  const KeyType type = options.type == "rsa" ? KeyType::rsa : KeyType::ed25519;
  const auto generated = generate_private_key(type, options.bits);
  if (!generated) return fail(ExitStatus::usage, generated.error());
  const SigningKey key = options.signing_key(generated->key);
  const std::string file = options.file.empty()
                               ? fmt::format("{}.{}.pem", key.domain.text(), key.selector.text())
                               : options.file;
  const auto written =
      write_key_file(file, generated->pem, options.force ? Existing::replace : Existing::keep);
  if (!written) return fail(ExitStatus::cannot_create, written.error());
  note("private key written to " + file);
  // Tells now what the daemon would say later.
  if (const auto usable = read_key_file(file); !usable) note(usable.error().message);
  return show(key, file, common);
}

/// The key that a command line names: by its file, or as `key =` of the configuration does.
Result<std::shared_ptr<const PrivateKey>> fetch_named(const std::string& name) {
  if (!name.starts_with("pkcs11:") && !name.starts_with("credential:"))
    return fetch_key(KeySource::of_file(name));
  const auto source = KeySource::parse_key(name);
  if (!source) return source.error();
  return fetch_key(*source);
}

ExitStatus run_show(const KeyOptions& options, const CommonOptions& common) {
  const auto key = fetch_named(options.file);
  if (!key) return fail(ExitStatus::no_input, key.error());
  if (const auto away = (*key)->unavailable()) return fail(ExitStatus::no_input, *away);
  return show(options.signing_key(*key), options.file, common);
}

/// What strangers may have put under the name, as much of it as helps.
std::vector<std::string> shown(const std::vector<std::string>& texts) {
  constexpr std::size_t kTexts = 10;
  constexpr std::size_t kOctets = 2048;  // more than a record of 8192 bits has
  std::vector<std::string> list;
  for (std::size_t i = 0; i < std::min(texts.size(), kTexts); ++i) {
    const bool cut = texts[i].size() > kOctets;
    list.push_back(printable(texts[i].substr(0, kOctets)) + (cut ? "..." : ""));
  }
  return list;
}

std::string kind_of(const PrivateKey& key) {
  if (key.unavailable()) return "in a token that is away";
  return fmt::format("{}, {} bits", to_string(key.type()), key.bits());
}

struct CheckedKey {
  SigningKey key;
  KeyCheck check;
};

ExitStatus exit_status(const std::vector<CheckedKey>& keys) {
  ExitStatus status = ExitStatus::done;
  for (const CheckedKey& checked : keys) {
    switch (checked.check.result) {
      case KeyCheckResult::match:
        break;
      case KeyCheckResult::temperror:
        if (status == ExitStatus::done) status = ExitStatus::temporary;
        break;
      case KeyCheckResult::missing:
      case KeyCheckResult::mismatch:
      case KeyCheckResult::revoked:
      case KeyCheckResult::malformed:
      case KeyCheckResult::multiple:
        status = ExitStatus::negative;
        break;
    }
  }
  return status;
}

ExitStatus write_checks(const std::vector<CheckedKey>& keys, const CommonOptions& common) {
  const ExitStatus status = exit_status(keys);
  if (common.json) {
    std::vector<Json> list;
    for (const auto& [key, check] : keys) {
      Json json = key_json(key);
      json.add("name", record_name(key));
      json.add("result", to_string(check.result));
      json.add("detail", check.detail);
      json.add("published", shown(check.published));
      list.push_back(json);
    }
    return write_json({{"keys", list}}, status);
  }
  Report report;
  for (const auto& [key, check] : keys) {
    report.heading(record_name(key));
    report.line("key", kind_of(*key.key));
    report.line("published", report.result(to_string(check.result)));
    if (!check.detail.empty()) report.line("", printable(check.detail));
    std::string_view label = "found";
    for (const std::string& text : shown(check.published)) {
      report.line(label, fmt::format("\"{}\"", text));
      label = "";
    }
  }
  return report.write(status);
}

bool is_wanted(const SigningKey& key, const KeyOptions& options) {
  return (options.domain.empty() || key.domain == DomainName::parse(options.domain)) &&
         (options.selector.empty() || key.selector == Selector::parse(options.selector));
}

ExitStatus run_check(const KeyOptions& options, const CommonOptions& common) {
  auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  std::vector<SigningKey> keys;
  if (options.file.empty()) {
    const auto ring = KeyRing::load(config->signing);
    if (!ring) return fail(ExitStatus::configuration, ring.error());
    for (const std::string& fault : (*ring)->faults()) note(fault);
    for (SigningKey& key : (*ring)->all()) {
      if (is_wanted(key, options)) keys.push_back(std::move(key));
    }
    if (keys.empty()) {
      const bool any = options.domain.empty() && options.selector.empty();
      note(any ? "the configuration has no keys" : "the configuration has no such key");
      return common.json ? write_json({{"keys", std::vector<Json>()}}, ExitStatus::negative)
                         : ExitStatus::negative;
    }
  } else {
    const auto key = fetch_named(options.file);
    if (!key) return fail(ExitStatus::no_input, key.error());
    keys.push_back(options.signing_key(*key));
  }
  const CommandRuntime runtime(std::move(*config), options.dns);
  if (!runtime) return runtime.report_failure();
  std::vector<CheckedKey> checked;
  for (const SigningKey& key : keys) {
    BudgetResolver budget = runtime->message_budget();
    checked.push_back({key, check_published_key(key, budget)});
  }
  return write_checks(checked, common);
}

struct NameOptions {
  Option domain;
  Option selector;
};

NameOptions add_names(const Command& command, KeyOptions& options) {
  return {command.add_text("--domain", options.domain, "domain that signs")
              .check(check_domain_name)
              .stands_as("DOMAIN"),
          command.add_text("--selector", options.selector, "selector of the key")
              .check(check_selector)
              .stands_as("NAME")};
}

using Run = ExitStatus (*)(const KeyOptions&, const CommonOptions&);

Command add_action(const Command& parent, Context& context, const char* name, const char* text,
                   const std::shared_ptr<KeyOptions>& options, Run run) {
  const Command command = parent.add_subcommand(name, text);
  add_common_options(command, context.common);
  command.runs([options, &context, run] { context.status = run(*options, context.common); });
  return command;
}

void add_generate(const Command& parent, Context& context) {
  const auto options = std::make_shared<KeyOptions>();
  const Command command = add_action(parent, context, "generate", "Make a key and show its record",
                                     options, run_generate);
  const auto [domain, selector] = add_names(command, *options);
  domain.required();
  selector.required();
  command.add_text("--type", options->type, "rsa or ed25519 (default: rsa)")
      .one_of({"rsa", "ed25519"})
      .stands_as("TYPE");
  command.add_number("--bits", options->bits, "length of an RSA key (default: 2048)")
      .stands_as("NUMBER");
  command.add_text("--out", options->file, "file to write (default: DOMAIN.SELECTOR.pem)")
      .stands_as("FILE");
  command.add_flag("--force", options->force, "replace an existing file");
}

void add_show(const Command& parent, Context& context) {
  const auto options = std::make_shared<KeyOptions>();
  const Command command =
      add_action(parent, context, "show", "Show the record of a key to publish", options, run_show);
  const auto [domain, selector] = add_names(command, *options);
  domain.required();
  selector.required();
  command.add_text("file", options->file, "file of the private key, or its PKCS#11 URI")
      .required()
      .stands_as("FILE");
}

void add_check(const Command& parent, Context& context) {
  const auto options = std::make_shared<KeyOptions>();
  const Command command =
      add_action(parent, context, "check", "Compare published records with the private keys",
                 options, run_check);
  const auto [domain, selector] = add_names(command, *options);
  command
      .add_text("--file", options->file,
                "file of the private key, or its PKCS#11 URI (default: those of the configuration)")
      .needs(domain)
      .needs(selector)
      .stands_as("FILE");
  add_dns_options(command, options->dns);
}

}  // namespace

void add_key_command(const Command& app, Context& context) {
  const Command command = app.add_subcommand("key", "Make, show, check and change signing keys");
  command.require_subcommand();
  add_config_option(command, context.common);
  add_generate(command, context);
  add_show(command, context);
  add_check(command, context);
  add_key_rotation_commands(command, context);
}

}  // namespace authmilter::tools
