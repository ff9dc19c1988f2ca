#include <authmilter/arc.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "arc/chain.h"
#include "arc/seal_hashes.h"
#include "signature/added_fields.h"
#include "signature/body_hasher.h"
#include "signature/key_lookup.h"
#include "signature/verification_work.h"

namespace authmilter {
namespace {

// A chain has as many keys as hops that seal for different domains; real ones have three or four.
// Each is a question to the DNS that the sender chooses.
constexpr std::size_t kKeys = 10;
// RFC 8617 section 5.2, step 5, is optional: of the older message signatures these are tried.
constexpr std::size_t kMessageSignatures = 10;
// What all checks of a chain may take: that of a hundred signatures by keys of 2048 bits, which are
// fifty seals, the message signatures, and more for names with several keys.
constexpr unsigned kMostWork = 100 * 4;
// RSA below this never passes, whatever is configured (RFC 8301 section 3.2).
constexpr unsigned kLowestRsaBits = 1024;

/// Why a signature does not validate.
struct Failure {
  Reason<ArcReason> reason;
  std::optional<FailedLookup> undecided_by = {};
};

/// A signature of a seal or of a message signature, with what is needed to check it.
struct Signature {
  std::string where;  // for people
  KeyType key_type;
  DomainName key_name;
  const Octets* octets;
  Sha256Digest hash;
  ArcReason mismatch;
};

/// The header of a message signature under one of its canonicalizations.
struct HeaderHash {
  Canonicalization body;
  Sha256Digest digest;
};

/// Takes the results, which the chain has no more use for.
ArcHop hop_of(ArcSet& set) {
  ArcHop hop{.sealer = set.seal.domain,
             .selector = set.seal.selector,
             .chain = set.seal.chain,
             .sealed_at = set.seal.timestamp,
             .results = std::move(set.results)};
  if (set.message_signature) {
    const auto& names = set.message_signature->names;
    hop.message_signer = set.message_signature->domain;
    hop.from_signed = std::find(names.begin(), names.end(), "from") != names.end();
  }
  return hop;
}

std::optional<std::int64_t> age_of(const ArcSeal& seal, const ArcVerifyOptions& options) {
  if (!seal.timestamp || *seal.timestamp > options.now + options.clock_skew) return std::nullopt;
  return std::max<std::int64_t>(options.now - *seal.timestamp, 0);
}

}  // namespace

struct ArcVerifier::Impl {
  Impl(Resolver& the_resolver, const ArcVerifyOptions& the_options)
      : resolver(the_resolver), options(the_options) {}

  void end_of_headers();
  ArcOutcome finish();

  void fail(Failure failure);
  void hash_header();
  std::set<DomainName> needed_keys() const;
  const KeyLookup* keys(const DomainName& name);
  std::optional<Failure> check(const Signature& signature);
  std::optional<Failure> check_with_key(const Signature& signature, const CandidateKey& key);
  std::optional<Failure> check_seal(std::size_t index);
  std::optional<Failure> check_message_signature(std::size_t index);
  std::optional<unsigned> oldest_pass();

  Resolver& resolver;
  const ArcVerifyOptions options;
  std::vector<MessageField> fields;  // dropped once hashed
  ArcChain chain;
  ArcOutcome outcome;
  std::vector<Sha256Digest> seals;                               // by place in the chain
  std::map<std::size_t, std::vector<HeaderHash>> header_hashes;  // of message signatures, the same
  std::map<Canonicalization, BodyHasher> bodies;
  std::map<Canonicalization, Sha256Digest> body_hashes;
  std::map<DomainName, KeyLookup> lookups;
  unsigned work_left = kMostWork;
};

void ArcVerifier::Impl::fail(Failure failure) {
  outcome.result = ArcResult::fail;
  outcome.reason = std::move(failure.reason);
  outcome.undecided_by = std::move(failure.undecided_by);
}

/// What steps 4 and 6 of RFC 8617 section 5.2 cannot do without.
std::set<DomainName> ArcVerifier::Impl::needed_keys() const {
  std::set<DomainName> names;
  for (const ArcSet& set : chain) names.insert(*set.seal.selector.key_name(set.seal.domain));
  const ArcMessageSignature& newest = *chain.back().message_signature;
  names.insert(*newest.selector.key_name(newest.domain));
  return names;
}

void ArcVerifier::Impl::hash_header() {
  seals = seal_hashes(fields, chain);
  std::deque<SignedHeader> headers;  // which stay where they are
  std::vector<SignatureToHash> inputs;
  std::vector<std::pair<std::size_t, Canonicalization>> owners;  // and of the body
  for (std::size_t back = 0; back < std::min(chain.size(), kMessageSignatures); ++back) {
    const std::size_t index = chain.size() - 1 - back;
    const auto& signature = chain[index].message_signature;
    if (!signature) break;
    for (const Canonicalizations& canonicalization : signature->canonicalizations) {
      headers.push_back({signature->names, canonicalization.header, signature->place});
      inputs.push_back({&headers.back(), &fields[chain[index].message_signature_place]});
      owners.emplace_back(index, canonicalization.body);
      bodies.try_emplace(canonicalization.body, canonicalization.body,
                         std::vector<BodyLimit>{std::nullopt});
    }
  }
  const auto hashes = hash_headers(fields, inputs);
  for (std::size_t i = 0; i < owners.size(); ++i)
    header_hashes[owners[i].first].push_back({owners[i].second, hashes[i]});
}

void ArcVerifier::Impl::end_of_headers() {
  auto read = read_chain(fields);
  if (!read) return fail({read.error()});
  chain = *std::move(read);
  if (chain.empty()) return;
  for (ArcSet& set : chain) outcome.hops.push_back(hop_of(set));
  const ArcSet& newest = chain.back();
  if (!newest.message_signature) {
    return fail(
        {Reason(ArcReason::malformed_message_signature,
                fmt::format("i={}, {}", chain.size(), newest.message_signature.error().what))});
  }
  outcome.added_fields =
      uncovered_fields(fields, newest.message_signature->names, newest.message_signature_place);
  outcome.age = age_of(newest.seal, options);
  const auto names = needed_keys();
  if (names.size() > kKeys) return fail({ArcReason::too_many_keys});
  for (const DomainName& name : names) resolver.prefetch({name, RrType::txt});
  hash_header();
}

/// Null where it would be one key too many.
const KeyLookup* ArcVerifier::Impl::keys(const DomainName& name) {
  const auto known = lookups.find(name);
  if (known != lookups.end()) return &known->second;
  if (lookups.size() == kKeys) return nullptr;
  return &lookups.emplace(name, look_up_keys(name, resolver)).first->second;
}

std::optional<Failure> ArcVerifier::Impl::check_with_key(const Signature& signature,
                                                         const CandidateKey& key) {
  if (key.record.type != signature.key_type)
    return Failure{{ArcReason::key_type_mismatch, signature.where}};
  if (key.record.type == KeyType::rsa &&
      key.key->bits() < std::max(kLowestRsaBits, options.minimum_rsa_bits))
    return Failure{{ArcReason::key_too_short, signature.where}};
  const unsigned work = verification_work(*key.key);
  if (work > work_left) return Failure{{ArcReason::too_many_signature_checks}};
  work_left -= work;
  if (!key.key->verify_sha256(signature.hash, *signature.octets))
    return Failure{{signature.mismatch, signature.where}};
  return std::nullopt;
}

std::optional<Failure> ArcVerifier::Impl::check(const Signature& signature) {
  const KeyLookup* lookup = keys(signature.key_name);
  if (lookup == nullptr) return Failure{{ArcReason::too_many_keys}};
  // RFC 8617 section 5.2.1: all errors are failures, those of the DNS too. Who acts on the outcome
  // can tell them apart.
  if (lookup->failed) return Failure{Reason<ArcReason>(lookup->failed->fault), lookup->failed};
  if (lookup->keys().empty()) {
    return Failure{
        {lookup->fault() == KeyFault::no_key ? ArcReason::no_key : ArcReason::key_unusable,
         signature.where}};
  }
  // RFC 6376 section 6.1.2: with several records each is tried. The first failure stands, but one
  // by a key of the right type rather than by another.
  std::optional<Failure> failed;
  for (const CandidateKey& key : lookup->keys()) {
    auto failure = check_with_key(signature, key);
    if (!failure || failure->reason.code() == ArcReason::too_many_signature_checks) return failure;
    if (!failed || failed->reason.code() == ArcReason::key_type_mismatch)
      failed = std::move(failure);
  }
  return failed;
}

std::optional<Failure> ArcVerifier::Impl::check_seal(std::size_t index) {
  const ArcSeal& seal = chain[index].seal;
  return check({fmt::format("i={}, ARC-Seal", seal.instance), seal.key_type,
                *seal.selector.key_name(seal.domain), &seal.signature, seals[index],
                ArcReason::seal_mismatch});
}

std::optional<Failure> ArcVerifier::Impl::check_message_signature(std::size_t index) {
  const ArcMessageSignature& read = *chain[index].message_signature;
  const std::string where = fmt::format("i={}, ARC-Message-Signature", index + 1);
  if (read.expiration && *read.expiration + options.clock_skew < options.now)
    return Failure{{ArcReason::message_signature_expired, where}};
  if (read.timestamp && *read.timestamp > options.now + options.clock_skew)
    return Failure{{ArcReason::message_signature_in_future, where}};
  std::optional<Failure> failed;
  for (const HeaderHash& header : header_hashes.at(index)) {
    auto failure =
        body_hashes.at(header.body) != read.body_hash
            ? Failure{{ArcReason::body_hash_mismatch, where}}
            : check({where, read.key_type, *read.selector.key_name(read.domain), &read.signature,
                     header.digest, ArcReason::message_signature_mismatch});
    if (!failure) return std::nullopt;
    if (!failed) failed = std::move(failure);
  }
  return failed;
}

/// Step 5. The newest has passed already.
std::optional<unsigned> ArcVerifier::Impl::oldest_pass() {
  for (std::size_t index = chain.size() - 1; index-- > 0;) {
    const unsigned newer = static_cast<unsigned>(index) + 2;
    if (!chain[index].message_signature) return newer;
    if (!header_hashes.contains(index)) return std::nullopt;
    const auto failure = check_message_signature(index);
    if (!failure) continue;
    const ArcReason reason = failure->reason.code();
    const bool unknown = failure->undecided_by || reason == ArcReason::too_many_keys ||
                         reason == ArcReason::too_many_signature_checks;
    return unknown ? std::nullopt : std::optional(newer);
  }
  return 0;
}

ArcOutcome ArcVerifier::Impl::finish() {
  if (chain.empty() || outcome.result == ArcResult::fail) return std::move(outcome);
  for (auto& [canonicalization, body] : bodies)
    body_hashes[canonicalization] = body.finish().front().digest;
  // RFC 8617 section 5.2, step 4
  if (auto failure = check_message_signature(chain.size() - 1)) {
    fail(*std::move(failure));
    return std::move(outcome);
  }
  // Step 6, before step 5: of a chain that fails here nobody asks how old it is.
  for (std::size_t index = chain.size(); index-- > 0;) {
    if (auto failure = check_seal(index)) {
      fail(*std::move(failure));
      return std::move(outcome);
    }
  }
  outcome.result = ArcResult::pass;
  outcome.oldest_pass = oldest_pass();
  return std::move(outcome);
}

ArcVerifier::ArcVerifier(Resolver& resolver, const ArcVerifyOptions& options)
    : impl_(std::make_unique<Impl>(resolver, options)) {}
ArcVerifier::~ArcVerifier() = default;

void ArcVerifier::header(const HeaderField& field) {
  impl_->fields.push_back(make_message_field(field));
}

void ArcVerifier::end_of_headers() {
  impl_->end_of_headers();
  impl_->fields.clear();
  impl_->fields.shrink_to_fit();
}

bool ArcVerifier::wants_body() const { return !impl_->bodies.empty(); }

void ArcVerifier::body(std::string_view octets) {
  for (auto& [canonicalization, body] : impl_->bodies) body.update(octets);
}

ArcOutcome ArcVerifier::finish() { return impl_->finish(); }

}  // namespace authmilter
