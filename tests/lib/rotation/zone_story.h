#pragma once

#include <map>
#include <string>
#include <vector>

#include <authmilter/rotation.h>

namespace authmilter {

inline Selector selector(const std::string& text) { return *Selector::parse(text); }
inline DomainName domain(const std::string& text) { return *DomainName::parse(text); }

/// What every voice says alike: two servers and the resolver.
inline Observation all_say(Publication publication) {
  Observation seen;
  seen.voices = {publication, publication, publication};
  seen.servers = 2;
  seen.ttl = std::chrono::hours(1);
  seen.soa_ttl = std::chrono::hours(2);
  seen.soa_minimum = std::chrono::hours(2);
  return seen;
}
inline Observation they_say(std::vector<Publication> voices) {
  Observation seen = all_say(Publication::match);
  seen.voices = std::move(voices);
  return seen;
}

/// A domain's keys through one look after the other. What is under a name stays so until it is
/// changed; the time is that of a system that runs on.
class ZoneStory {
 public:
  static constexpr std::int64_t kStart = 1'796'000'000;

  explicit ZoneStory(std::vector<KeyLife> keys, RotationConfig settings = {})
      : config(std::move(settings)), keys_{domain("example.org"), {}, std::move(keys)} {}

  void say(const std::string& key, const Observation& seen) {
    seen_.insert_or_assign(selector(key), seen);
  }
  void say(const std::string& key, Publication publication) { say(key, all_say(publication)); }

  /// A look, this much later; the clock may show something else besides.
  std::vector<KeyEvent> look_after(std::chrono::seconds time) {
    now_.time += time.count();
    now_.uptime += time.count();
    Advance step = advance(keys_, seen_, now_, config);
    keys_ = std::move(step.keys);
    return step.events;
  }
  /// As many looks as it takes, `each` apart.
  void go_on(std::chrono::seconds time, std::chrono::seconds each) {
    for (auto gone = each; gone <= time; gone += each) look_after(each);
  }
  void clock_jumps(std::chrono::seconds by) { now_.time += by.count(); }
  void system_starts_again() {
    now_.boot += "+";
    now_.uptime = 10;
  }

  void replace(DomainKeys keys) { keys_ = std::move(keys); }
  void add(KeyLife key) { keys_.keys.push_back(std::move(key)); }
  KeyLife& key(const std::string& name) { return *keys_.find(selector(name)); }
  KeyState state(const std::string& name) { return key(name).state; }
  const DomainKeys& keys() const { return keys_; }
  std::int64_t now() const { return now_.time; }

  /// The selectors that sign, in their order.
  std::string signers() const {
    std::string text;
    for (const KeyLife& one : keys_.keys) {
      if (one.signs) text += (text.empty() ? "" : " ") + one.selector.text();
    }
    return text;
  }

  RotationConfig config;

 private:
  DomainKeys keys_;
  std::map<Selector, Observation> seen_;
  Moment now_{kStart, "boot", 1000};
};

inline KeyLife made(const std::string& name, KeyType type = KeyType::rsa) {
  return new_key(selector(name), type, type == KeyType::rsa ? 2048 : 256, "/k/" + name + ".pem",
                 "v=DKIM1; k=" + std::string(to_string(type)) + "; p=" + name, ZoneStory::kStart);
}
inline KeyLife in_use(const std::string& name, KeyType type = KeyType::rsa) {
  return key_in_use(made(name, type));
}

}  // namespace authmilter
