#include "audit/simulate.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <authmilter/audit_simulation.h>
#include <authmilter/key_states.h>

#include "options/command_runtime.h"
#include "options/input.h"
#include "output/json_output.h"
#include "output/output.h"
#include "report/text_table.h"

namespace authmilter::tools {
namespace {

constexpr std::size_t kMostOctets = 8UL << 20U;

struct Drill {
  std::vector<SimulatedSender> senders;
  std::vector<SimulatedMessage> messages;  // of each
};

std::string_view to_string(SimulatedKey::State state) {
  switch (state) {
    case SimulatedKey::State::good:
      return "pass";
    case SimulatedKey::State::bad:
      return "fail";
    case SimulatedKey::State::unanswered:
      return "temperror";
  }
  return "fail";
}

std::string dkim_word(const SimulatedMessage& message) {
  if (message.keys.empty()) return "none";
  if (message.signed_well()) return "pass";
  for (const SimulatedKey& key : message.keys) {
    if (key.state == SimulatedKey::State::unanswered) return "temperror";
  }
  return "fail";
}

std::string aligned_by(const DmarcOutcome& dmarc) {
  if (dmarc.spf_aligned && dmarc.dkim_aligned) return "SPF and DKIM";
  if (dmarc.spf_aligned) return "SPF";
  return dmarc.dkim_aligned ? "DKIM" : "nothing";
}

std::string expectation(const SimulatedSender& sender, const SimulatedMessage& message) {
  std::string expected = sender.expected;
  if (sender.expected_spf)
    expected += (expected.empty() ? "spf " : ", spf ") +
                std::string(authmilter::to_string(*sender.expected_spf));
  if (expected.empty()) return "-";
  return is_as_expected(sender, message) ? "as expected" : "EXPECTED " + expected;
}

std::string text_of(const Drill& drill) {
  TextTable table({{"CASE", false},
                   {"FROM", false},
                   {"SPF", false},
                   {"DKIM", false},
                   {"ALIGNED", false},
                   {"DMARC", false},
                   {"EXPECTED", false}});
  std::string reasons;
  for (std::size_t i = 0; i < drill.senders.size(); ++i) {
    const SimulatedSender& sender = drill.senders[i];
    const SimulatedMessage& message = drill.messages[i];
    table.add({printable(sender.name), sender.author_domain.text(),
               message.spf ? std::string(authmilter::to_string(message.spf->result)) : "-",
               dkim_word(message), aligned_by(message.dmarc), std::string(message.outcome()),
               expectation(sender, message)});
    for (const SimulatedKey& key : message.keys) {
      if (key.reason.empty()) continue;
      reasons += fmt::format("  {}: {}._domainkey.{}: {}\n", printable(sender.name),
                             key.signature.selector ? key.signature.selector->text() : "",
                             key.signature.domain.text(), key.reason);
    }
    if (message.undecided()) {
      reasons += fmt::format("  {}: DMARC is not known: {}\n", printable(sender.name),
                             message.dmarc.reason.text());
    }
  }
  return table.text() + (reasons.empty() ? "" : "\n" + reasons);
}

Json json_of(const SimulatedSender& sender, const SimulatedMessage& message) {
  std::vector<Json> keys;
  for (const SimulatedKey& key : message.keys) {
    Json one{{"domain", key.signature.domain.text()},
             {"selector", key.signature.selector ? Json(key.signature.selector->text()) : Json()},
             {"result", to_string(key.state)},
             {"reason", key.reason}};
    keys.push_back(std::move(one));
  }
  const bool expects = !sender.expected.empty() || sender.expected_spf;
  return {{"name", sender.name},
          {"client", sender.client ? Json(sender.client->text()) : Json()},
          {"helo", sender.helo.text},
          {"mail_from", sender.mail_from.text},
          {"from", sender.author_domain.text()},
          {"spf", message.spf ? spf_check_json(*message.spf) : Json()},
          {"dkim", keys},
          {"dmarc", dmarc_json(message.dmarc)},
          {"outcome", message.outcome()},
          {"expected", sender.expected.empty() ? Json() : Json(sender.expected)},
          {"expected_spf",
           sender.expected_spf ? Json(authmilter::to_string(*sender.expected_spf)) : Json()},
          {"as_expected", expects ? Json(is_as_expected(sender, message)) : Json()}};
}

ExitStatus status_of(const Drill& drill) {
  ExitStatus status = ExitStatus::done;
  for (std::size_t i = 0; i < drill.senders.size(); ++i) {
    const SimulatedMessage& message = drill.messages[i];
    if (message.undecided()) {
      status = ExitStatus::temporary;
    } else if (!is_as_expected(drill.senders[i], message)) {
      return ExitStatus::negative;
    }
  }
  return status;
}

}  // namespace

ExitStatus run_simulation(const AuditOptions& options, const CommonOptions& common) {
  if (options.domains.size() != 1 || !options.domains_file.empty())
    return fail(ExitStatus::usage, "audit: --simulate is for one domain");
  if (options.format == "csv" || options.format == "html")
    return fail(ExitStatus::usage, "audit: --simulate is shown as text or json");
  const auto text = read_regular_file(options.simulate, kMostOctets);
  if (!text) return fail(ExitStatus::no_input, text.error());
  auto senders = parse_simulated_senders(*text, options.simulate,
                                         DomainName::parse(options.domains.front()).value());
  if (!senders) return fail(ExitStatus::no_input, senders.error());
  auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const CommandRuntime runtime(std::move(*config), options.dns);
  if (!runtime) return runtime.report_failure();

  Drill drill{std::move(*senders), {}};
  for (const SimulatedSender& sender : drill.senders)
    drill.messages.push_back(simulate(sender, runtime->resolver(), time_or_now(options.time)));

  std::string shown;
  if (common.json || options.format == "json") {
    std::vector<Json> all;
    for (std::size_t i = 0; i < drill.senders.size(); ++i)
      all.push_back(json_of(drill.senders[i], drill.messages[i]));
    shown = Json(all).text() + "\n";
  } else {
    shown = text_of(drill);
  }
  const ExitStatus status = status_of(drill);
  if (options.out == "-") return write_out(shown, status);
  const auto written = replace_file(options.out, shown, Links::followed);
  return written ? status : fail(ExitStatus::cannot_create, written.error());
}

}  // namespace authmilter::tools
