#include <authmilter/key_watch.h>

#include <authmilter/published_key.h>

#include <algorithm>

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
  troubles.add("the resolver", resolved);
  seen.dnssec = answer->secure;
  seen.ttl = zone.ttl;
  seen.soa_ttl = zone.soa_ttl;
  seen.soa_minimum = zone.soa_minimum;
  seen.trouble = troubles.text();
  return seen;
}

void adopt_published(std::vector<KeyLife>& keys, const std::map<Selector, Observation>& seen) {
  const auto stands = [&](const KeyLife& key) {
    const auto found = seen.find(key.selector);
    return found != seen.end() && found->second.everywhere(Publication::match);
  };
  const bool any = std::any_of(keys.begin(), keys.end(), stands);
  for (KeyLife& key : keys) {
    if (!any || stands(key)) key = key_in_use(key);
  }
}

}  // namespace authmilter
