#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <authmilter/runtime.h>

#include "commands.h"
#include "options/command_runtime.h"
#include "options/message_options.h"
#include "output/json.h"
#include "output/output.h"

namespace authmilter::tools {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// The n-th field of a name, counted from 1 as milters count.
std::vector<HeaderField>::iterator find_field(std::vector<HeaderField>& fields,
                                              const HeaderEdit& edit) {
  std::size_t seen = 0;
  return std::find_if(fields.begin(), fields.end(), [&](const HeaderField& field) {
    return same_name(field.name, edit.name) && ++seen == edit.index;
  });
}

HeaderField as_field(const HeaderEdit& edit) {
  std::string value = " ";
  for (const char c : edit.value) {
    if (c == '\n') value += '\r';
    value += c;
  }
  return {edit.name, value};
}

/// What the MTA does with the daemon's edits.
void apply(const HeaderEdit& edit, std::vector<HeaderField>& fields) {
  if (edit.action == HeaderEdit::Action::insert) {
    const auto at = static_cast<std::ptrdiff_t>(std::min(edit.index, fields.size()));
    fields.insert(fields.begin() + at, as_field(edit));
    return;
  }
  const auto field = find_field(fields, edit);
  if (field == fields.end()) return;
  if (edit.action == HeaderEdit::Action::remove) {
    fields.erase(field);
  } else {
    *field = as_field(edit);
  }
}

std::string without_cr(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pair = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (!pair) out += text[i];
  }
  return out;
}

std::string compose(const InputMessage& input) {
  std::string text;
  for (const HeaderField& field : input.message.fields) {
    text += field.name + ":" + field.value + "\r\n";
  }
  text += "\r\n" + input.message.body;
  return input.line_end == std::string_view("\n") ? without_cr(text) : text;
}

struct Signed {
  ExitStatus status = ExitStatus::negative;
  std::string reason;
  std::span<const SigningKey> keys;
  std::vector<Fragility> fragile;
  std::string text;
};

/// The signature is good, and MTAs on the way may break it.
void warn_of_fragility(const std::vector<Fragility>& kinds) {
  for (const Fragility kind : kinds) {
    switch (kind) {
      case Fragility::long_line:
        note("a line is longer than MTAs send; one that breaks it breaks the signature");
        break;
      case Fragility::eight_bit:
        note("8-bit text is written anew for a server without 8BITMIME, and the signature breaks");
        break;
      case Fragility::unqualified_address:
        note("an address without a domain gets one on the way; its field is not signed");
        break;
    }
  }
}

ExitStatus write(const Signed& result, const CommonOptions& common) {
  if (!common.json) {
    if (result.status != ExitStatus::done) fail(result.status, "not signed: " + result.reason);
    warn_of_fragility(result.fragile);
    return write_out(result.text, result.status);
  }
  std::vector<Json> signatures;
  for (const SigningKey& key : result.keys) {
    signatures.push_back({{"domain", key.domain.text()},
                          {"selector", key.selector.text()},
                          {"key_type", to_string(key.key->type())}});
  }
  std::vector<Json> fragile;
  for (const Fragility kind : result.fragile) fragile.push_back(to_string(kind));
  return write_json({{"signed", result.status == ExitStatus::done},
                     {"reason", result.reason},
                     {"signatures", signatures},
                     {"fragile", fragile},
                     {"message", result.text}},
                    result.status);
}

ExitStatus run(const MessageOptions& options, const CommonOptions& common) {
  auto config = read_configuration(common);
  if (!config) return fail(ExitStatus::configuration, config.error());
  const CommandRuntime runtime(std::move(*config));
  if (!runtime) return runtime.report_failure();
  auto text = read_message(options.path);
  if (!text) return fail(ExitStatus::no_input, text.error());

  Signed result;
  result.text = *text;
  InputMessage input = message_from_text(*text);
  Envelope envelope = options.submission(input.message);
  // Without client and user the message counts as submitted on this host.
  envelope.submitted_here = !envelope.client;
  if (!runtime->signs(envelope)) {
    result.reason = "not-internal (" + options.ip + " is in no internal network)";
    return write(result, common);
  }
  const SigningOutcome outcome =
      stream(*runtime->signer(envelope, time_or_now(options.time)), input.message);
  result.reason = outcome.reason.text();
  result.keys = outcome.keys;
  result.fragile = outcome.fragile;
  if (!outcome.failed && !outcome.keys.empty()) {
    for (const HeaderEdit& edit : outcome.edits) apply(edit, input.message.fields);
    result.text = compose(input);
    result.status = ExitStatus::done;
  }
  return write(result, common);
}

}  // namespace

void add_sign_command(const Command& app, Context& context) {
  const Command command = app.add_subcommand("sign", "Sign a message as the daemon would");
  const auto options = std::make_shared<MessageOptions>();
  add_envelope_options(command, *options);
  add_message_argument(command, *options);
  add_common_options(command, context.common);
  command.runs([options, &context] { context.status = run(*options, context.common); });
}

}  // namespace authmilter::tools
