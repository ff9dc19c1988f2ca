#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/crypto.h>
#include <authmilter/domain_name.h>
#include <authmilter/result.h>
#include <authmilter/rotation_config.h>
#include <authmilter/selector.h>

namespace authmilter {

// How a signing key lives, as functions of values: what was seen of it in the DNS goes in, what is
// done with it comes out. No clock, no files, no DNS.

/// pending: made, its record is waited for. active: signs. retiring: its successor signs, and what
/// it has signed is still under way. retired: nothing needs its record any more.
enum class KeyState : std::uint8_t { pending, active, retiring, retired };
std::string_view to_string(KeyState state);
std::optional<KeyState> parse_key_state(std::string_view word);

/// What stands under a key's name.
enum class Publication : std::uint8_t {
  match,      // the key's record, and no other
  differs,    // another record, several, or one that cannot be read
  revoked,    // a record with an empty p= (RFC 6376 section 3.6.1)
  missing,    // nothing
  temperror,  // no answer, so nothing is known
};
std::string_view to_string(Publication publication);
std::optional<Publication> parse_publication(std::string_view word);

/// One look at a key's record: what each authoritative server of its zone says, and the validating
/// resolver as one more voice.
struct Observation {
  std::vector<Publication> voices;
  unsigned servers = 0;  // of the zone; voices.size() - 1 once all are known
  bool dnssec = false;   // the resolver's answer was validated
  bool testing = false;  // a record that matches has t=y (RFC 6376 section 3.6.1)
  std::chrono::seconds ttl{0};
  std::chrono::seconds soa_ttl{0};
  std::chrono::seconds soa_minimum{0};
  std::string trouble;  // for people: who did not answer, or says something else; may be empty

  /// All voices say this.
  bool everywhere(Publication publication) const;
  /// Somebody says for certain that the key's record is not there. Who does not answer says
  /// nothing.
  bool lost() const;
  /// Nobody has a key: each voice says that there is no record, or an empty p=.
  bool gone() const;
  /// What all together say, the worst that is certain before what is not known.
  Publication summary() const;
  /// How long a name may still be denied, or an old record be given, by caches after all servers
  /// agree: max(TTL, min(SOA TTL, SOA minimum)) (RFC 2308 section 5), since a cache may deny names
  /// that nobody ever asked for (RFC 8198). At least an hour, at most a day.
  std::chrono::seconds denial_time() const;
};

/// One key of a domain. Times are counted where waiting matters, in seconds that have passed
/// between looks: a clock that jumps ends no wait.
struct KeyLife {
  Selector selector;
  KeyType type = KeyType::rsa;
  unsigned bits = 0;
  std::string file;    // of the private key
  std::string record;  // the text to publish
  std::string place;   // the name it stands under, where an alias leads there; otherwise empty
  KeyState state = KeyState::pending;
  std::int64_t since = 0;  // when the state began, seconds since 1970: for people
  bool signs = false;      // the daemon signs with it
  bool lost = false;  // its record was seen to be gone or another one, and is not back for long
  Publication published = Publication::temperror;  // at the last look
  unsigned servers = 0;
  bool dnssec = false;
  bool testing = false;   // the record says t=y: its signatures count as none
  bool given_up = false;  // by an administrator's word, with no successor: never signs again
  std::string trouble;    // for people, of the last look
  /// The record has stood, seen by every voice at each look that had an answer, for so long; the
  /// time around a look without one is left out.
  std::chrono::seconds stood{0};
  std::chrono::seconds needed{0};  // and has to stand for so long before it can be relied on
  /// No voice has had the key, at each look for so long; nothing: one has, or did not answer.
  std::optional<std::chrono::seconds> gone;
  std::chrono::seconds overlapped{0};  // of retiring: since the successor signs
  std::chrono::seconds quiet{0};       // of retiring: since it signed for the last time
  std::int64_t last_used = 0;          // the day of the last signature, days since 1970; 0: unknown

  /// The record can be relied on.
  bool stands() const { return !lost && needed.count() > 0 && stood >= needed; }
  /// No cache has its record any more.
  bool gone_for_good() const;
  bool operator==(const KeyLife&) const = default;
};

/// When a look was made, by the clock and by what no change of the clock moves.
struct Moment {
  std::int64_t time = 0;    // seconds since 1970
  std::string boot;         // of the run of the system, empty where it is not known
  std::int64_t uptime = 0;  // seconds since its start, sleep included
  bool simulated = false;   // given by a person; not kept in the state
  bool operator==(const Moment&) const = default;
};
/// What has certainly passed: within one run of the system its uptime says. From one to the next,
/// and where a run is not known, that is nothing. Never negative. A simulated time is believed.
std::chrono::seconds passed_between(const Moment& before, const Moment& now);
/// The look was made when the other one had begun, or later.
bool not_before(const Moment& look, const Moment& began);

/// The keys of one domain, as a state file has them.
struct DomainKeys {
  DomainName domain;
  Moment looked;  // time 0: never
  std::vector<KeyLife> keys;

  KeyLife* find(const Selector& selector);
  const KeyLife* find(const Selector& selector) const;
  /// Something waits: the watcher has to look again.
  bool changing() const;
  bool operator==(const DomainKeys&) const = default;
};

/// Since when nobody has looked although something waits: the last look, or what waits the longest
/// where there was none. 0: nothing waits. Of a clock that was wrong it may be in the future.
std::int64_t unwatched_since(const DomainKeys& keys);
/// That this is longer ago than rotation.watch_limit, or in the future.
bool unwatched_too_long(const DomainKeys& keys, std::int64_t now, const RotationConfig& config);

/// What a look has changed.
struct KeyEvent {
  enum class Kind : std::uint8_t {
    activated,  // signs from now on
    retiring,   // a successor has taken over
    retired,    // nothing needs its record any more
    record_lost,
    record_back,
    fallback,  // signs again, because the record of its successor is lost
  } kind;
  Selector selector;
  std::string detail;  // for people; may be empty
  bool operator==(const KeyEvent&) const = default;
};
std::string_view to_string(KeyEvent::Kind kind);

struct Advance {
  DomainKeys keys;
  std::vector<KeyEvent> events;
};
/// The keys after a look at `now` that has found what `seen` says of each; a key without an entry
/// was not looked at.
Advance advance(DomainKeys keys, const std::map<Selector, Observation>& seen, const Moment& now,
                const RotationConfig& config);

/// Of a key with no other of its type that signs.
enum class LastOfItsKind : std::uint8_t {
  stays,
  is_given_up,  // where the record of an active key of another type stands
};
/// The keys with one that no longer signs, by an administrator's word. An error where no other key
/// could.
Result<DomainKeys> make_way(DomainKeys keys, const Selector& selector, std::int64_t now,
                            const RotationConfig& config,
                            LastOfItsKind last = LastOfItsKind::stays);
/// The keys after a look, of which an administrator has taken some out of the configuration: active
/// ones that are not among those `configured` make way where another key signs whose record stands.
Advance without_removed(Advance step, const std::vector<Selector>& configured, std::int64_t now,
                        const RotationConfig& config);

/// What is to be done about a key, and by whom.
enum class NextStep : std::uint8_t {
  nothing,
  wait,           // time does it
  look,           // nobody has looked at the DNS yet, or it does not answer
  publish,        // the key's record
  publish_empty,  // with an empty p=
  remove_record,
  retire,  // `authmilter key retire`
};
NextStep next_step(const KeyLife& key, const DomainKeys& keys, const RotationConfig& config);
/// For people, one line: "publish the record".
std::string describe_next_step(const KeyLife& key, const DomainKeys& keys,
                               const RotationConfig& config);
/// A step that a person, or a program in their place, has to do; or an alarm.
bool needs_person(const KeyLife& key, const DomainKeys& keys, const RotationConfig& config);

/// A first or next key, pending since `now`.
KeyLife new_key(const Selector& selector, KeyType type, unsigned bits, std::string file,
                std::string record, std::int64_t now);
/// A key that signed before there was a state: active.
KeyLife key_in_use(KeyLife key);

/// The selector for a new key, by the template and without those `taken`: a letter is put behind.
Result<Selector> dated_selector(const std::string& pattern, std::int64_t now,
                                const std::vector<Selector>& taken);
/// The next of a ring, behind the key that came last: the first that no key holds, or whose key is
/// retired and its record empty or gone.
Result<Selector> ring_selector(const std::vector<std::string>& ring, const DomainKeys& keys);

/// "2026-11-28T12:00:00Z" (RFC 3339 section 5.6, in UTC) and back; seconds since 1970. A date alone
/// is its midnight.
std::string print_utc(std::int64_t time);
std::optional<std::int64_t> parse_utc(std::string_view text);

/// The state file's text, which ends in a line that says so: a text without it was cut off.
std::string print_state(const DomainKeys& keys);
/// Errors are "name:line:column: message".
Result<DomainKeys> parse_state(std::string_view text, const std::string& name);

}  // namespace authmilter
