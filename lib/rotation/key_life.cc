#include "rotation/key_life.h"

#include <algorithm>

#include "base/words.h"

namespace authmilter {
namespace {

using std::chrono::seconds;

constexpr seconds kShortestDenial = std::chrono::hours(1);
// No cache that is in use keeps the denial of a name for longer, whatever the zone says (RFC 2308
// section 5; unbound, BIND and others bound it at three hours to a day).
constexpr seconds kLongestDenial = std::chrono::hours(24);

constexpr Word<KeyState> kStates[] = {{KeyState::pending, "pending"},
                                      {KeyState::active, "active"},
                                      {KeyState::retiring, "retiring"},
                                      {KeyState::retired, "retired"}};
static_assert(is_complete(kStates, KeyState::retired));

constexpr Word<Publication> kPublications[] = {{Publication::match, "match"},
                                               {Publication::differs, "differs"},
                                               {Publication::revoked, "revoked"},
                                               {Publication::missing, "missing"},
                                               {Publication::temperror, "temperror"}};
static_assert(is_complete(kPublications, Publication::temperror));

template <class Enum, std::size_t Size>
std::optional<Enum> value_of(const Word<Enum> (&rows)[Size], std::string_view word) {
  const auto* found =
      std::find_if(rows, rows + Size, [&](const Word<Enum>& row) { return row.word == word; });
  if (found == rows + Size) return std::nullopt;
  return found->value;
}

}  // namespace

std::string_view to_string(KeyState state) { return word_of(kStates, state); }
std::optional<KeyState> parse_key_state(std::string_view word) { return value_of(kStates, word); }
std::string_view to_string(Publication publication) { return word_of(kPublications, publication); }
std::optional<Publication> parse_publication(std::string_view word) {
  return value_of(kPublications, word);
}

bool Observation::everywhere(Publication publication) const {
  return !voices.empty() && std::all_of(voices.begin(), voices.end(),
                                        [&](Publication voice) { return voice == publication; });
}

bool Observation::lost() const {
  return std::any_of(voices.begin(), voices.end(), [](Publication voice) {
    return voice == Publication::differs || voice == Publication::revoked ||
           voice == Publication::missing;
  });
}

Publication Observation::summary() const {
  const auto says = [&](Publication one) {
    return std::find(voices.begin(), voices.end(), one) != voices.end();
  };
  // Revoked here and not there is two different records.
  if (says(Publication::differs) || (says(Publication::revoked) && says(Publication::match)))
    return Publication::differs;
  if (says(Publication::missing)) return Publication::missing;
  if (says(Publication::temperror) || voices.empty()) return Publication::temperror;
  return voices.front();
}

seconds Observation::denial_time() const {
  return std::clamp(std::max(ttl, std::min(soa_ttl, soa_minimum)), kShortestDenial, kLongestDenial);
}

void take_in(KeyLife& key, const Observation& seen, seconds passed, std::vector<KeyEvent>& events) {
  const Publication before = key.published;
  const Publication wanted =
      key.state == KeyState::retired ? Publication::revoked : Publication::match;
  key.published = seen.summary();
  key.servers = seen.servers;
  key.dnssec = seen.dnssec;
  key.testing = seen.testing;
  key.trouble = seen.trouble;
  if (seen.everywhere(wanted)) {
    // The time before the first look that found it so, and around one without an answer, is not
    // known to have been good.
    if (before == wanted) key.stood += passed;
    key.needed = std::max(key.needed, seen.denial_time());
    if (key.lost && key.stood >= key.needed) {
      key.lost = false;
      events.push_back({KeyEvent::Kind::record_back, key.selector, ""});
    }
    return;
  }
  const bool certainly_not =
      wanted == Publication::match ? seen.lost() : key.published != Publication::temperror;
  if (!certainly_not) return;
  key.stood = seconds(0);
  // What is there instead, or the denial, stays in caches for its own time to live.
  key.needed = std::max(key.needed, seen.denial_time());
  // What a key has signed that was given up, another one has signed too.
  const bool in_use =
      key.state == KeyState::active || (key.state == KeyState::retiring && !key.given_up);
  if (!in_use || key.lost) return;
  key.lost = true;
  events.push_back({KeyEvent::Kind::record_lost, key.selector, key.trouble});
}

void count_time(KeyLife& key, seconds passed) {
  if (key.state != KeyState::retiring) return;
  key.overlapped += passed;
  key.quiet = key.signs ? seconds(0) : key.quiet + passed;
}

}  // namespace authmilter
