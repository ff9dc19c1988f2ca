#include <authmilter/policy.h>

#include <algorithm>

#include "base/words.h"

namespace authmilter {
namespace {

using T = SealerTrust;
constexpr Word<T> kTrust[] = {
    {T::holds, "holds"},
    {T::undecided, "undecided"},
    {T::no_chain, "no-chain"},
    {T::chain_failed, "chain-failed"},
    {T::sealer_not_trusted, "sealer-not-trusted"},
    {T::other_network, "other-network"},
    {T::too_old, "too-old"},
    {T::other_signer, "other-signer"},
    {T::from_not_signed, "from-not-signed"},
    {T::added_fields, "added-fields"},
    {T::no_results, "no-results"},
    {T::author_did_not_pass, "author-did-not-pass"},
};
static_assert(is_complete(kTrust, T::author_did_not_pass));

bool is_dmarc(const MethodResult& result) { return result.method == "dmarc"; }

/// "dmarc=pass header.from=AUTHOR", and no other header.from beside it.
bool says_author_passed(const MethodResult& result, const DomainName& author) {
  if (result.result != "pass") return false;
  std::size_t named = 0;
  for (const ResultProperty& property : result.properties) {
    if (property.ptype != "header" || property.property != "from") continue;
    ++named;
    if (DomainName::parse(property.value) != author) return false;
  }
  return named == 1;
}

bool is_too_old(const ArcOutcome& arc, const TrustedSealer& sealer) {
  return sealer.max_age.count() > 0 && (!arc.age || *arc.age > sealer.max_age.count());
}

/// What the newest set says of this message, whoever sealed it.
SealerTrust word_of_set(const ArcHop& hop, const ArcOutcome& arc, const DomainName& author) {
  if (hop.message_signer != hop.sealer) return SealerTrust::other_signer;
  if (!hop.from_signed) return SealerTrust::from_not_signed;
  if (!arc.added_fields.empty()) return SealerTrust::added_fields;
  if (!hop.results) return SealerTrust::no_results;
  const auto& results = hop.results->results;
  if (std::none_of(results.begin(), results.end(), is_dmarc)) return SealerTrust::no_results;
  const bool passed = std::all_of(results.begin(), results.end(), [&](const MethodResult& one) {
    return !is_dmarc(one) || says_author_passed(one, author);
  });
  return passed ? SealerTrust::holds : SealerTrust::author_did_not_pass;
}

}  // namespace

std::string_view to_string(SealerTrust trust) { return word_of(kTrust, trust); }

SealedWord sealed_word(const Findings& findings, const PolicyConfig& policy) {
  const ArcOutcome& arc = findings.arc;
  // Only a chain that is one has hops.
  if (arc.hops.empty()) return {arc.result == ArcResult::none ? T::no_chain : T::chain_failed};
  // A hop behind him could have made of the message what it liked, so only the newest counts.
  const ArcHop& newest = arc.hops.back();
  const TrustedSealer* trusted = nullptr;
  bool known = false;
  for (const TrustedSealer& sealer : policy.trusted_sealers) {
    if (sealer.domain != newest.sealer) continue;
    known = true;
    if (!sealer.networks.empty() &&
        !(findings.client && sealer.networks.contains(*findings.client)))
      continue;
    trusted = &sealer;
    break;
  }
  if (trusted == nullptr) return {known ? T::other_network : T::sealer_not_trusted};
  if (is_too_old(arc, *trusted)) return {T::too_old};
  const bool undecided = arc.result == ArcResult::fail && arc.undecided_by;
  if (arc.result != ArcResult::pass && !undecided) return {T::chain_failed};
  if (!findings.dmarc.author_domain) return {T::author_did_not_pass};
  const SealerTrust word = word_of_set(newest, arc, *findings.dmarc.author_domain);
  if (word != T::holds) return {word};
  return {undecided ? T::undecided : T::holds, trusted};
}

}  // namespace authmilter
