#include "sign/own_signatures.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <authmilter/published_key.h>

namespace authmilter {

DnsAnswerRef OwnKeyRecords::resolve(const DnsQuestion& question, Deadline, Freshness) {
  auto answer = std::make_shared<DnsAnswer>();
  answer->status = DnsStatus::nxdomain;
  for (const SigningKey& key : keys_) {
    const auto name = key.selector.key_name(key.domain);
    // What a key is whose token is away need not be known.
    if (key.key->unavailable()) continue;
    if (!name || question.name != DnsName(*name) || question.type != RrType::txt) continue;
    answer->status = DnsStatus::success;
    answer->records = {TxtRecord{key_record_text(*key.key)}};
  }
  return answer;
}

OwnSignatures::OwnSignatures(const DkimEngine& engine, Resolver& own_keys,
                             std::span<const SigningKey> keys,
                             const std::vector<HeaderField>& fields, DkimVerifyOptions options) {
  const auto is_signature = [](const HeaderField& field) {
    return has_name(field, "DKIM-Signature");
  };
  if (std::none_of(fields.begin(), fields.end(), is_signature)) return;
  options.picked = [keys](const DkimOutcome& named) {
    return std::any_of(keys.begin(), keys.end(), [&](const SigningKey& key) {
      return named.domain == key.domain && named.selector == key.selector;
    });
  };
  verifier_.emplace(engine, own_keys, options);
  for (const HeaderField& field : fields) verifier_->header(field);
  verifier_->end_of_headers();
}

void OwnSignatures::body(std::string_view octets) {
  if (verifier_) verifier_->body(octets);
}

std::set<DomainName> OwnSignatures::holding() {
  std::set<DomainName> domains;
  if (!verifier_) return domains;
  for (const DkimOutcome& outcome : verifier_->finish()) {
    if (outcome.result == DkimResult::pass) domains.insert(*outcome.domain);
  }
  return domains;
}

}  // namespace authmilter
