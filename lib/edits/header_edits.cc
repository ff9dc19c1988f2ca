#include "edits/header_edits.h"

#include <authmilter/authentication_results.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "base/ascii.h"
#include "edits/results_claim.h"

namespace authmilter {
namespace {

constexpr std::string_view kResultsField = "Authentication-Results";
// What a receiver's BIMI filter tells the mail reader about the logo to show
// (draft-brand-indicators-for-message-identification). In a message from outside it is the sender's
// word.
constexpr std::string_view kBimiFields[] = {"BIMI-Location", "BIMI-Indicator"};

bool from_internal_network(const Envelope& envelope, const Config& config) {
  return envelope.client && config.internal.contains(*envelope.client);
}

/// True for a message that a border server of ours may have handed over: from inside, where one is
/// configured.
bool from_border_server(const Envelope& envelope, const Config& config) {
  return !config.trusted_authserv_ids.empty() && envelope.auth_user.empty() &&
         from_internal_network(envelope, config);
}

/// A border server of ours may use our own authserv-id. Its results stand when it is configured as
/// trusted and hands the mail over from inside; from anywhere else the same field is a forgery.
bool may_stand(std::string_view value, const Envelope& envelope, const Config& config) {
  const auto id = parse_authserv_id(value);
  const auto& trusted = config.trusted_authserv_ids;
  return id && from_border_server(envelope, config) &&
         std::any_of(trusted.begin(), trusted.end(),
                     [&](const DomainName& name) { return name.text() == *id; });
}

bool is_bimi_result(const HeaderField& field) {
  return std::any_of(std::begin(kBimiFields), std::end(kBimiFields),
                     [&](std::string_view name) { return has_name(field, name); });
}

/// A results field in our name that nobody would forge.
bool is_adverse(const HeaderField& field, const Config& config) {
  return has_name(field, kResultsField) && bears_name(field.value, *config.authserv_id) &&
         speaks_against(field.value, *config.authserv_id);
}

bool is_forged(const HeaderField& field, const Envelope& envelope, const Config& config) {
  // In monitor mode nothing but the results field is touched.
  const bool enforcing = config.verify.mode == VerifyMode::enforce;
  if (has_name(field, kVerdictField) || is_bimi_result(field)) {
    return enforcing && !from_border_server(envelope, config);
  }
  return has_name(field, kResultsField) && claims_to_be_ours(field.value, *config.authserv_id) &&
         !may_stand(field.value, envelope, config);
}

}  // namespace

std::string_view to_string(HeaderEdit::Action action) {
  switch (action) {
    case HeaderEdit::Action::insert:
      return "insert";
    case HeaderEdit::Action::replace:
      return "replace";
    case HeaderEdit::Action::remove:
      return "remove";
  }
  return "";
}

std::string milter_value(std::string_view value) {
  std::string out;
  for (const char c : trim_wsp(value)) {
    if (c != '\r') out += c;
  }
  return out;
}

bool may_be_forged(const HeaderField& field) {
  return has_name(field, kResultsField) || has_name(field, kVerdictField) || is_bimi_result(field);
}

std::vector<HeaderEdit> removals_of_forged_fields(const std::vector<HeaderField>& fields,
                                                  const Envelope& envelope, const Config& config,
                                                  AdverseFields adverse) {
  std::vector<HeaderEdit> edits;
  if (std::none_of(fields.begin(), fields.end(), may_be_forged)) return edits;  // nearly all mail
  const bool judged = adverse == AdverseFields::kept &&
                      std::any_of(fields.begin(), fields.end(), [&](const HeaderField& field) {
                        return is_adverse(field, config);
                      });
  // Our verdict goes with our results.
  const auto stays = [&](const HeaderField& field) {
    return judged && (has_name(field, kVerdictField) || is_adverse(field, config));
  };
  // MTAs count the fields of one name from 1, without regard to case. A blank before the colon
  // makes another name for them, so the spelling as received is what is counted.
  std::map<std::string, std::size_t> seen;
  for (const HeaderField& field : fields) {
    const std::size_t index = ++seen[to_lower(field.name)];
    if (is_forged(field, envelope, config) && !stays(field)) {
      edits.push_back({HeaderEdit::Action::remove, index, field.name, ""});
    }
  }
  std::reverse(edits.begin(), edits.end());
  return edits;
}

std::optional<HeaderEdit> judgement_to_restore(const std::vector<HeaderField>& fields,
                                               const Envelope& envelope, const Config& config,
                                               const std::optional<DomainName>& author) {
  const auto stays = [&](const HeaderField& field) { return is_adverse(field, config); };
  const auto is_lost = [&](const HeaderField& field) {
    return has_name(field, kResultsField) && is_forged(field, envelope, config) &&
           !(author && vouches_for(field.value, *author));
  };
  if (std::any_of(fields.begin(), fields.end(), stays) ||
      std::none_of(fields.begin(), fields.end(), is_lost))
    return std::nullopt;
  // RFC 8601 section 2.7.1: what was found cannot be learned any more, now or later.
  const AuthenticationResults results{
      .authserv_id = config.authserv_id->text(),
      .results = {{.method = "dmarc", .result = "permerror", .comment = "judged before"}}};
  return HeaderEdit{HeaderEdit::Action::insert, 0, std::string(kResultsField), compose(results)};
}

std::vector<HeaderEdit> tag_edits(const std::vector<HeaderField>& fields, const Config& config,
                                  std::string_view reason) {
  std::vector<HeaderEdit> edits;
  const std::string& prefix = config.policy.tag_subject;
  if (!prefix.empty()) {
    // Nobody knows which of several a reader shows (RFC 5322 section 3.6 allows one).
    std::map<std::string, std::size_t> seen;
    for (const HeaderField& field : fields) {
      if (!has_name(field, "Subject")) continue;
      const std::size_t index = ++seen[to_lower(field.name)];
      const std::string text = milter_value(field.value);
      if (text.starts_with(prefix)) continue;
      edits.push_back({HeaderEdit::Action::replace, index, field.name, prefix + text});
    }
    if (seen.empty())
      edits.push_back({HeaderEdit::Action::insert, 0, "Subject", std::string(trim_wsp(prefix))});
  }
  edits.push_back({HeaderEdit::Action::insert, 0, std::string(kVerdictField),
                   "suspicious (" + std::string(reason) + ")"});
  return edits;
}

}  // namespace authmilter
