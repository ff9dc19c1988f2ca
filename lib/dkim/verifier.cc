#include <authmilter/dkim.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "base/ascii.h"
#include "dkim/reason.h"
#include "dkim/signature.h"
#include "dkim/signature_prefix.h"
#include "signature/added_fields.h"
#include "signature/body_hasher.h"
#include "signature/key_lookup.h"
#include "signature/verification_work.h"

namespace authmilter {
namespace {

// Each different l= hashes the body once more.
constexpr std::size_t kBodyLengths = 2;
// RSA below this never passes, whatever is configured (RFC 8301 section 3.2).
constexpr unsigned kLowestRsaBits = 1024;

/// What all verifications of a message may take: that of so many signatures, but ten at least, by
/// keys of 4096 bits, and two more for names with several keys. Three by keys of 8192 bits.
std::size_t most_work(std::size_t signatures) {
  constexpr std::size_t kEach = 16;
  return (std::max<std::size_t>(signatures, 10) + 2) * kEach;
}

/// One DKIM-Signature field on its way to an outcome. Done when there is no `signature` left.
struct Candidate {
  SignatureField read;
  std::size_t field = 0;  // its place in the header
  Sha256Digest header_hash{};
};

void conclude(Candidate& candidate, DkimResult result, Reason<DkimReason> reason) {
  candidate.read.signature.reset();
  candidate.read.outcome.result = result;
  candidate.read.outcome.reason = std::move(reason);
}

/// The body under one canonicalization, with the hashes that its signatures need.
class BodyHashes {
 public:
  BodyHashes(Canonicalization canonicalization, const std::set<std::uint64_t>& lengths)
      : limits_{std::nullopt} {
    limits_.insert(limits_.end(), lengths.begin(), lengths.end());
    hasher_.emplace(canonicalization, limits_);
  }

  void update(std::string_view octets) { hasher_->update(octets); }
  void finish() { hashes_ = hasher_->finish(); }

  std::uint64_t octets() const { return hashes_.front().octets; }
  const Sha256Digest& digest(const BodyLimit& limit) const {
    const auto place = std::find(limits_.begin(), limits_.end(), limit);
    return hashes_[static_cast<std::size_t>(place - limits_.begin())].digest;
  }

 private:
  std::vector<BodyLimit> limits_;
  std::optional<BodyHasher> hasher_;
  std::vector<BodyHash> hashes_;
};

}  // namespace

struct DkimVerifier::Impl {
  Impl(Resolver& the_resolver, const DkimVerifyOptions& the_options)
      : resolver(the_resolver), options(the_options) {}

  void header(const HeaderField& field);
  void end_of_headers();
  std::vector<DkimOutcome> finish();

  bool wanted() const {
    return std::any_of(candidates.begin(), candidates.end(),
                       [](const Candidate& one) { return one.read.signature.has_value(); });
  }
  void limit_body_lengths();
  void hash_header();
  void judge(Candidate& candidate);
  void judge_key(Candidate& candidate, const KeyLookup& lookup);
  void judge_signature(Candidate& candidate, const CandidateKey& key);
  const KeyLookup& keys(const Candidate& candidate);
  /// Calls `use` for each candidate whose signing domain is picked.
  template <class Use>
  void for_each(const SigningDomains& picked, Use use) {
    for (const Candidate& candidate : candidates) {
      if (candidate.read.signature && picked(*candidate.read.outcome.domain)) use(candidate);
    }
  }
  void prefetch_key(const Candidate& candidate) {
    const DkimOutcome& outcome = candidate.read.outcome;
    resolver.prefetch({*outcome.selector->key_name(*outcome.domain), RrType::txt});
  }

  Resolver& resolver;
  DkimVerifyOptions options;
  std::vector<MessageField> fields;  // dropped once hashed
  std::vector<Candidate> candidates;
  std::map<Canonicalization, BodyHashes> bodies;
  std::map<DomainName, KeyLookup> lookups;
  std::size_t work_left = most_work(options.maximum_signatures);
};

void DkimVerifier::Impl::header(const HeaderField& field) {
  fields.push_back(make_message_field(field));
  if (fields.back().name != "dkim-signature") return;
  Candidate candidate;
  candidate.field = fields.size() - 1;
  // Counted before anything is parsed, so that bad ones count too (A91, edge case 49).
  if (candidates.size() < options.maximum_signatures) {
    candidate.read = read_signature(field.value);
    if (options.picked && !options.picked(candidate.read.outcome)) {
      fields.pop_back();
      return;
    }
    if (candidate.read.signature) {
      if (const auto verdict = check_time(*candidate.read.signature, options))
        conclude(candidate, verdict->result, verdict->reason);
    }
  } else {
    conclude(candidate, DkimResult::policy, DkimReason::too_many_signatures);
  }
  candidates.push_back(std::move(candidate));
}

void DkimVerifier::Impl::limit_body_lengths() {
  std::set<std::uint64_t> lengths;
  for (auto& candidate : candidates) {
    const auto length =
        candidate.read.signature ? candidate.read.signature->body_length : BodyLimit();
    if (!length || lengths.contains(*length)) continue;
    if (lengths.size() < kBodyLengths) {
      lengths.insert(*length);
    } else {
      conclude(candidate, DkimResult::policy, DkimReason::too_many_body_lengths);
    }
  }
}

void DkimVerifier::Impl::hash_header() {
  std::vector<SignatureToHash> inputs;
  std::vector<Candidate*> owners;
  for (auto& candidate : candidates) {
    if (!candidate.read.signature) continue;
    inputs.push_back({&candidate.read.signature->header, &fields[candidate.field]});
    owners.push_back(&candidate);
  }
  const auto hashes = hash_headers(fields, inputs);
  for (std::size_t i = 0; i < owners.size(); ++i) {
    owners[i]->header_hash = hashes[i];
    // The names have done their work; each key that is tried copies what is left.
    owners[i]->read.signature->header.names.clear();
  }
}

void DkimVerifier::Impl::end_of_headers() {
  limit_body_lengths();
  std::map<Canonicalization, std::set<std::uint64_t>> lengths;
  for (auto& candidate : candidates) {
    if (!candidate.read.signature) continue;
    prefetch_key(candidate);
    // RFC 6376 section 8.15
    const auto& names = candidate.read.signature->header.names;
    candidate.read.outcome.added_fields = added_fields(fields, names, candidate.field);
    candidate.read.outcome.covers_list_id = covers_list_id(fields, names, candidate.field);
    auto& wanted_lengths = lengths[candidate.read.signature->body_canonicalization];
    if (const auto& length = candidate.read.signature->body_length) wanted_lengths.insert(*length);
  }
  if (wanted()) hash_header();
  fields.clear();
  fields.shrink_to_fit();
  for (const auto& [canonicalization, limits] : lengths)
    bodies.try_emplace(canonicalization, canonicalization, limits);
}

const KeyLookup& DkimVerifier::Impl::keys(const Candidate& candidate) {
  const DkimOutcome& outcome = candidate.read.outcome;
  const DomainName name = *outcome.selector->key_name(*outcome.domain);
  const auto found = lookups.find(name);
  if (found != lookups.end()) return found->second;
  return lookups.emplace(name, look_up_keys(name, resolver)).first->second;
}

void DkimVerifier::Impl::judge(Candidate& candidate) {
  // The key before the hashes, as RFC 6376 section 6.1 has it: whether a signature can be trusted
  // at all must not depend on what happened to the body.
  const KeyLookup& lookup = keys(candidate);
  candidate.read.outcome.dnssec = lookup.secure;
  if (lookup.failed) {
    candidate.read.outcome.undecided_by = lookup.failed;
    return conclude(candidate, DkimResult::temperror, Reason<DkimReason>(lookup.failed->fault));
  }
  if (lookup.keys().empty())
    return conclude(candidate, DkimResult::permerror, reason_of(*lookup.fault()));
  judge_key(candidate, lookup);
}

void DkimVerifier::Impl::judge_key(Candidate& candidate, const KeyLookup& lookup) {
  // RFC 6376 section 6.1.2: with several records each is tried. The first failure stands, but one
  // by a key of the right type rather than by another.
  std::optional<Candidate> failed;
  for (const auto& key : lookup.keys()) {
    Candidate attempt = candidate;
    judge_signature(attempt, key);
    if (attempt.read.outcome.result == DkimResult::pass) {
      candidate = std::move(attempt);
      return;
    }
    if (!failed || failed->read.outcome.reason.code() == DkimReason::key_type_mismatch)
      failed = std::move(attempt);
  }
  candidate = std::move(*failed);
}

void DkimVerifier::Impl::judge_signature(Candidate& candidate, const CandidateKey& key) {
  const DkimSignature signature = *candidate.read.signature;
  DkimOutcome& outcome = candidate.read.outcome;
  const BodyHashes& body = bodies.at(signature.body_canonicalization);
  const auto end = [&](DkimResult result, DkimReason reason) {
    conclude(candidate, result, reason);
  };

  outcome.key_bits = key.key->bits();
  outcome.testing = key.record.testing;
  if (key.record.testing) outcome.notes.emplace_back("testing-key");
  if (key.record.type != signature.key_type)
    return end(DkimResult::permerror, DkimReason::key_type_mismatch);
  // RFC 6376 section 3.6.1, t=s: i= must not be a subdomain of d=.
  if (key.record.strict_identity && signature.identity_domain != outcome.domain)
    return end(DkimResult::permerror, DkimReason::identity_not_allowed);
  if (key.record.type == KeyType::rsa &&
      key.key->bits() < std::max(kLowestRsaBits, options.minimum_rsa_bits)) {
    return end(DkimResult::policy, DkimReason::key_too_short);
  }
  // RFC 6376 section 3.5: l= MUST NOT be larger than the body.
  if (signature.body_length && *signature.body_length > body.octets())
    return end(DkimResult::fail, DkimReason::body_shorter_than_signed);
  if (body.digest(signature.body_length) != signature.body_hash)
    return end(DkimResult::fail, DkimReason::body_hash_mismatch);
  const unsigned work = verification_work(*key.key);
  if (work > work_left) return end(DkimResult::policy, DkimReason::too_many_signatures);
  work_left -= work;
  if (!key.key->verify_sha256(candidate.header_hash, signature.signature))
    return end(DkimResult::fail, DkimReason::signature_mismatch);
  // A83, edge case 51: what is appended behind l= is the attacker's.
  if (signature.body_length && *signature.body_length < body.octets())
    return end(DkimResult::policy, DkimReason::body_partly_signed);
  if (signature.body_length) outcome.notes.emplace_back("body-length-covers-body");
  // RFC 8601 section 2.7.1: it passed, and something of it is not acceptable here.
  if (options.added_fields == AddedFields::not_a_pass && !outcome.added_fields.empty())
    return end(DkimResult::policy, DkimReason::added_fields);
  end(DkimResult::pass, DkimReason::none);
}

std::vector<DkimOutcome> DkimVerifier::Impl::finish() {
  for (auto& [canonicalization, body] : bodies) body.finish();
  for (auto& candidate : candidates) {
    if (candidate.read.signature) judge(candidate);
  }
  std::vector<std::string> encoded;
  for (const auto& candidate : candidates) encoded.push_back(candidate.read.encoded_signature);
  const auto prefixes = signature_prefixes(encoded);
  std::vector<DkimOutcome> outcomes;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    outcomes.push_back(std::move(candidates[i].read.outcome));
    outcomes.back().signature_prefix = prefixes[i];
  }
  return outcomes;
}

DkimVerifier::DkimVerifier(const DkimEngine&, Resolver& resolver, const DkimVerifyOptions& options)
    : impl_(std::make_unique<Impl>(resolver, options)) {}
DkimVerifier::~DkimVerifier() = default;

void DkimVerifier::header(const HeaderField& field) { impl_->header(field); }
void DkimVerifier::end_of_headers() { impl_->end_of_headers(); }
void DkimVerifier::prefetch_keys(const SigningDomains& first) {
  impl_->for_each(first, [this](const Candidate& candidate) { impl_->prefetch_key(candidate); });
}
void DkimVerifier::wait_for_keys(const SigningDomains& first) {
  impl_->for_each(first, [this](const Candidate& candidate) { impl_->keys(candidate); });
}
bool DkimVerifier::wants_body() const { return !impl_->bodies.empty(); }

void DkimVerifier::body(std::string_view octets) {
  for (auto& [canonicalization, body] : impl_->bodies) body.update(octets);
}

std::vector<DkimOutcome> DkimVerifier::finish() { return impl_->finish(); }

}  // namespace authmilter
