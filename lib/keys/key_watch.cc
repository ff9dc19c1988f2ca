#include <authmilter/key_watch.h>

#include <authmilter/published_key.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "signature/key_record.h"

namespace authmilter {
namespace {

// Lines for people: who has the servers' names needs no more.
constexpr std::size_t kTroubles = 3;

Publication by_record(const std::string& text, const std::string& record) {
  const auto published = read_key_record(text);
  if (!published)
    return published.error().fault == KeyFault::revoked ? Publication::revoked
                                                        : Publication::differs;
  const auto wanted = read_key_record(record);
  const bool same =
      wanted && wanted->type == published->type && wanted->public_key == published->public_key;
  return same ? Publication::match : Publication::differs;
}

bool is_testing(const std::vector<std::string>& texts) {
  return std::any_of(texts.begin(), texts.end(), [](const std::string& text) {
    const auto record = read_key_record(text);
    return record && record->testing;
  });
}

Publication by_key(const std::vector<std::string>& texts, const PrivateKey& key) {
  switch (judge_published_key(texts, key).result) {
    case KeyCheckResult::match:
      return Publication::match;
    case KeyCheckResult::missing:
      return Publication::missing;
    case KeyCheckResult::revoked:
      return Publication::revoked;
    case KeyCheckResult::temperror:
      return Publication::temperror;
    case KeyCheckResult::mismatch:
    case KeyCheckResult::malformed:
    case KeyCheckResult::multiple:
      return Publication::differs;
  }
  return Publication::temperror;
}

std::string what_it_says(Publication publication) {
  switch (publication) {
    case Publication::match:
      return "has the record";
    case Publication::differs:
      return "has another record";
    case Publication::revoked:
      return "has the record with an empty p=";
    case Publication::missing:
      return "has no record";
    case Publication::temperror:
      return "does not answer";
  }
  return "";
}

/// Who does not say what is wanted.
class Troubles {
 public:
  explicit Troubles(const KeyLife& life)
      : wanted_(life.state == KeyState::retired ? Publication::revoked : Publication::match) {}

  void add(const std::string& who, Publication said, const std::string& why = "") {
    if (said == wanted_) return;
    if (++count_ > kTroubles) return;
    text_ += (text_.empty() ? "" : "; ") + (why.empty() ? who + " " + what_it_says(said) : why);
  }
  std::string text() const {
    return count_ > kTroubles ? fmt::format("{}; and {} more", text_, count_ - kTroubles) : text_;
  }

 private:
  Publication wanted_;
  std::string text_;
  std::size_t count_ = 0;
};

/// A key of which there is no state, and what is seen of it.
struct Known {
  KeyLife* key;
  Observation seen;

  bool stands() const { return seen.everywhere(Publication::match); }
  /// Its record may stand, for all that is said.
  bool unknown() const { return !stands() && !seen.lost(); }
};

Observation observation_of(const std::map<Selector, Observation>& seen, const Selector& selector) {
  const auto found = seen.find(selector);
  return found == seen.end() ? Observation() : found->second;
}

/// Those of one type (not empty) that go on signing, the oldest first.
Result<std::vector<KeyLife*>> who_signs(const std::vector<Known>& keys) {
  std::vector<Known> able;
  std::copy_if(keys.begin(), keys.end(), std::back_inserter(able),
               [](const Known& one) { return one.stands(); });
  if (able.empty()) {
    const auto unknown =
        std::find_if(keys.begin(), keys.end(), [](const Known& one) { return one.unknown(); });
    if (unknown != keys.end()) {
      return Error{fmt::format("{}: the DNS does not say whether its record stands",
                               unknown->key->selector.text())};
    }
    able = keys;  // none is published: whoever signs cannot be verified
  }
  std::stable_sort(able.begin(), able.end(),
                   [](const Known& a, const Known& b) { return a.key->since < b.key->since; });
  std::int64_t last = 0;
  for (const Known& one : able) last = std::max(last, one.key->last_used);
  std::vector<KeyLife*> chosen;
  for (const Known& one : able) {
    if (last != 0 && one.key->last_used == last) chosen.push_back(one.key);
  }
  if (chosen.empty()) chosen.push_back(able.front().key);
  return chosen;
}

}  // namespace

Publication publication_of(const std::vector<std::string>& texts, const KeyLife& life,
                           const PrivateKey* key) {
  if (texts.empty()) return Publication::missing;
  if (key != nullptr) return by_key(texts, *key);
  // RFC 6376 section 3.6.2.2: of several records none counts for certain.
  return texts.size() == 1 ? by_record(texts.front(), life.record) : Publication::differs;
}

Observation observe_key(const DomainName& domain, const KeyLife& life, const PrivateKey* key,
                        ZoneWatch& zones, Resolver& resolver) {
  Observation seen;
  Troubles troubles(life);
  const auto name = life.selector.key_name(domain);
  if (!name) {
    seen.voices = {Publication::missing};
    seen.trouble = "the record's name would be too long";
    return seen;
  }
  const ZoneTexts zone = zones.texts(*name);
  for (const ServerTexts& server : zone.servers) {
    const Publication said =
        server.answered ? publication_of(server.texts, life, key) : Publication::temperror;
    seen.voices.push_back(said);
    troubles.add(server.server, said, server.trouble);
  }
  seen.servers = static_cast<unsigned>(zone.servers.size());
  if (!zone.trouble.empty()) {
    seen.voices.push_back(Publication::temperror);
    troubles.add("", Publication::temperror, zone.trouble);
  }
  const DnsAnswerRef answer = resolver.resolve({*name, RrType::txt}, kNoDeadline, Freshness::fresh);
  const Publication resolved = answer->status == DnsStatus::temperror
                                   ? Publication::temperror
                                   : publication_of(answer->texts(), life, key);
  seen.voices.push_back(resolved);
  seen.testing = resolved == Publication::match && is_testing(answer->texts());
  troubles.add("the resolver", resolved);
  seen.dnssec = answer->secure;
  seen.ttl = zone.ttl;
  seen.soa_ttl = zone.soa_ttl;
  seen.soa_minimum = zone.soa_minimum;
  seen.trouble = troubles.text();
  return seen;
}

Result<std::vector<KeyLife>> adopt_published(std::vector<KeyLife> keys,
                                             const std::map<Selector, Observation>& seen,
                                             std::int64_t now) {
  for (const KeyType type : {KeyType::rsa, KeyType::ed25519}) {
    std::vector<Known> of_type;
    for (KeyLife& key : keys) {
      if (key.type == type) of_type.push_back({&key, observation_of(seen, key.selector)});
    }
    if (of_type.empty()) continue;
    const auto active = who_signs(of_type);
    if (!active) return active.error();
    const std::int64_t oldest = (*active->begin())->since;
    for (const Known& one : of_type) {
      KeyLife& key = *one.key;
      if (std::find(active->begin(), active->end(), &key) != active->end())
        key = key_in_use(key);
      else if (one.seen.everywhere(Publication::revoked) ||
               (one.seen.everywhere(Publication::missing) && key.since < oldest))
        key.state = KeyState::retired;
    }
  }
  for (KeyLife& key : keys) key.since = now;
  return keys;
}

}  // namespace authmilter
