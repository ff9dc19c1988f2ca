#include "sign/own_signatures.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <authmilter/published_key.h>

#include "dkim/signature.h"

namespace authmilter {
namespace {

/// Whether a DKIM-Signature field names one of the keys.
bool names_a_key(const HeaderField& field, std::span<const SigningKey> keys) {
  const DkimOutcome named = read_signature(field.value).outcome;
  return std::any_of(keys.begin(), keys.end(), [&](const SigningKey& key) {
    return named.domain == key.domain && named.selector == key.selector;
  });
}

}  // namespace

DnsAnswerRef OwnKeyRecords::resolve(const DnsQuestion& question, Deadline, Freshness) {
  auto answer = std::make_shared<DnsAnswer>();
  answer->status = DnsStatus::nxdomain;
  for (const SigningKey& key : keys_) {
    const auto name = key.selector.key_name(key.domain);
    if (!name || question.name != DnsName(*name) || question.type != RrType::txt) continue;
    answer->status = DnsStatus::success;
    answer->records = {TxtRecord{key_record_text(*key.key)}};
  }
  return answer;
}

OwnSignatures::OwnSignatures(const DkimEngine& engine, Resolver& own_keys,
                             std::span<const SigningKey> keys,
                             const std::vector<HeaderField>& fields,
                             const DkimVerifyOptions& options) {
  std::vector<const HeaderField*> wanted;
  bool any = false;
  for (const HeaderField& field : fields) {
    const bool signature = has_name(field, "DKIM-Signature");
    const bool ours = signature && names_a_key(field, keys);
    any = any || ours;
    if (!signature || ours) wanted.push_back(&field);
  }
  if (!any) return;
  verifier_.emplace(engine, own_keys, options);
  for (const HeaderField* field : wanted) verifier_->header(*field);
  verifier_->end_of_headers();
}

void OwnSignatures::body(std::string_view octets) {
  if (verifier_) verifier_->body(octets);
}

bool OwnSignatures::hold() {
  if (!verifier_) return false;
  const auto outcomes = verifier_->finish();
  return std::any_of(outcomes.begin(), outcomes.end(),
                     [](const DkimOutcome& outcome) { return outcome.result == DkimResult::pass; });
}

}  // namespace authmilter
