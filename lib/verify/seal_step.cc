#include "verify/seal_step.h"

#include <algorithm>
#include <utility>

#include <authmilter/dkim.h>

#include "base/words.h"
#include "edits/edited_fields.h"
#include "edits/header_edits.h"
#include "message/sendmail_form.h"

namespace authmilter {
namespace {

constexpr Word<SealState> kStates[] = {
    {SealState::off, "off"},
    {SealState::sealed, "sealed"},
    {SealState::key_not_read, "key-not-read"},
    {SealState::not_extended, "not-extended"},
    {SealState::undecided, "undecided"},
    {SealState::failed, "failed"},
};
static_assert(is_complete(kStates, SealState::failed));

/// What a seal shall cover. Sendmail gives addresses a domain behind us, and which one depends on
/// the recipient.
std::vector<std::string> covered_headers(const std::vector<HeaderField>& fields, Mta mta) {
  auto headers = default_sealed_headers();
  if (mta != Mta::sendmail) return headers;
  for (const HeaderField& field : fields) {
    if (!has_unqualified_address(field.name, field.value)) continue;
    std::erase_if(headers, [&](const std::string& name) { return has_name(field, name); });
  }
  return headers;
}

/// A token that is away is said to be, before anything is asked of its key.
std::optional<std::string> fault_of(const Result<SigningKey>& key) {
  if (!key) return key.error().message;
  const auto away = key->key->unavailable();
  return away ? std::optional(away->message) : std::nullopt;
}

SealOutcome failure(std::string fault) {
  SealOutcome outcome;
  outcome.state = SealState::failed;
  outcome.fault = std::move(fault);
  return outcome;
}

SealOutcome unsealed(SealState state) {
  SealOutcome outcome;
  outcome.state = state;
  return outcome;
}

}  // namespace

std::string_view to_string(SealState state) { return word_of(kStates, state); }

bool SealStep::is_for(const Envelope& envelope, const Config& config) {
  // In monitor mode nothing but the results field is touched.
  if (!config.arc.seal || config.verify.mode == VerifyMode::monitor) return false;
  const auto& wanted = config.arc.recipient;
  if (wanted.empty()) return true;
  return std::any_of(
      envelope.recipients.begin(), envelope.recipients.end(),
      [&](const ReversePath& path) { return !path.valid() || wanted.matches(path); });
}

SealStep::SealStep(Key key, const std::vector<HeaderField>& fields, Mta mta, std::int64_t now)
    : key_(std::move(key)), mta_(mta), now_(now) {
  if (!key_ || fault_of(*key_)) return;
  sealer_.emplace(**key_, ArcSealOptions{.headers = covered_headers(fields, mta),
                                         .oversign = default_oversigned_headers(),
                                         .oversign_present = default_oversigned_present_headers(),
                                         .now = now});
}

void SealStep::body(std::string_view octets) {
  if (sealer_) sealer_->body(octets);
}

SealOutcome SealStep::finish(const ArcOutcome& chain, const std::vector<HeaderField>& fields,
                             const std::string& results, std::vector<HeaderEdit>& edits) {
  // "fail" would be a lie, and no later sealer could take it back.
  if (chain.undecided_by) return unsealed(SealState::undecided);
  if (!key_) return unsealed(SealState::key_not_read);
  if (!sealer_) return failure(fault_of(*key_).value_or("the key was not there"));
  for (HeaderField& field : fields_after(fields, edits)) {
    // What we seal must be what Sendmail sends.
    if (mta_ == Mta::sendmail) field.value = as_sendmail_writes(field.name, field.value);
    sealer_->header(field);
  }
  const auto set = sealer_->finish(chain.result, results);
  if (!set) return failure(set.error().message);
  if (set->empty()) return unsealed(SealState::not_extended);
  for (auto field = set->rbegin(); field != set->rend(); ++field)
    edits.push_back({HeaderEdit::Action::insert, 0, field->name, milter_value(field->value)});
  const SigningKey& key = **key_;
  constexpr std::int64_t kDay = 24 * 60 * 60;
  if (key.use) key.use->day.store(now_ / kDay, std::memory_order_relaxed);
  SealOutcome outcome;
  outcome.state = SealState::sealed;
  outcome.instance = sealer_->instance();
  outcome.chain = chain.result;
  outcome.key = key;
  return outcome;
}

}  // namespace authmilter
