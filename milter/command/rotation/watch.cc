#include "rotation/watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <authmilter/key_file.h>
#include <authmilter/key_watch.h>

#include "rotation/as_owner.h"
#include "rotation/dns_changes.h"
#include "rotation/domain_choice.h"
#include "rotation/hook.h"

namespace authmilter::tools {
namespace {

using Seen = std::map<Selector, Observation>;

/// The private half, where it can be had: it tells more than the record's text.
std::shared_ptr<const PrivateKey> private_half(const KeyLife& key) {
  if (!key.file.starts_with('/')) return nullptr;
  const AsOwnerOf owner(key.file);
  const auto read = read_key_file(key.file);
  return read ? *read : nullptr;
}

/// A key that waits, and that the daemon could not sign with, is not relied on, whatever stands in
/// the DNS.
Observation of_missing_key() {
  Observation seen;
  seen.voices = {Publication::temperror};
  seen.trouble = "the key is not in the configuration";
  return seen;
}

Seen look_at(const SigningDomainConfig& domain, const DomainKeys& keys, ZoneWatch& zones,
             Resolver& resolver) {
  Seen seen;
  for (const KeyLife& key : keys.keys) {
    if (key.state == KeyState::pending && !is_configured(domain, key.selector)) {
      seen.emplace(key.selector, of_missing_key());
      continue;
    }
    const auto half = private_half(key);
    seen.emplace(key.selector, observe_key(keys.domain, key, half.get(), zones, resolver));
  }
  return seen;
}

/// When a file was written, seconds since 1970; 0 where that is not known, as of a key in a token.
std::int64_t made_at(const std::string& file) {
  struct stat status {};
  const AsOwnerOf owner(file);
  return ::stat(file.c_str(), &status) == 0 ? status.st_mtim.tv_sec : 0;
}

Watched failed(const std::string& why) { return {{}, why, true}; }

/// A record is away. One that is back, and has to stand for a while, needs nobody.
bool is_alarming(const DomainKeys& keys) {
  return std::any_of(keys.keys.begin(), keys.keys.end(), [](const KeyLife& key) {
    return key.lost && key.published != Publication::match;
  });
}

/// The keys that the configuration has, as if nothing were known of them.
Result<DomainKeys> configured_keys(const Config& config, const SigningDomainConfig& domain,
                                   std::int64_t now) {
  const auto configured = keys_of(config, domain);
  if (!configured) return configured.error();
  DomainKeys keys{domain.domain, {}, {}};
  for (std::size_t i = 0; i < domain.keys.size(); ++i) {
    auto key = life_of((*configured)[i], domain.keys[i], now);
    if (!key) return key.error();
    key->state = KeyState::pending;
    key->signs = false;
    key->since = made_at(key->file);
    keys.keys.push_back(std::move(*key));
  }
  return keys;
}

std::vector<Selector> configured_selectors(const SigningDomainConfig& domain) {
  std::vector<Selector> selectors;
  for (const SigningKeyConfig& key : domain.keys) selectors.push_back(key.selector);
  return selectors;
}

}  // namespace

Watched watch_domain(const Lookout& from, const SigningDomainConfig& domain, const Moment& now) {
  const DomainName& name = domain.domain;
  const auto state = from.states.read(name);
  const bool anew = !state;
  std::string trouble = anew ? state.error().message : "";
  if (state && !*state) return failed(name.text() + ": has no state, rotate its keys first");
  const auto known = anew ? configured_keys(from.config, domain, now.time) : Result(**state);
  if (!known) return failed(known.error().message);
  const Seen seen = look_at(domain, *known, from.zones, from.resolver);

  auto lock = from.states.lock();
  if (!lock) return failed(lock.error().message);
  const auto again = from.states.read(name);
  DomainKeys keys = again && *again ? **again : *known;
  const RotationConfig& rotation = from.config.rotation;
  if (keys.looked != known->looked && not_before(keys.looked, now)) {
    // Another run has looked meanwhile, later than this one: what is seen here is older.
    return {{}, "", is_alarming(keys)};
  }
  take_uses(keys, from.uses);
  if (anew && !again) {
    auto adopted = adopt_published(std::move(keys.keys), seen, now.time);
    if (!adopted) return failed(trouble + ": not made anew yet: " + adopted.error().message);
    keys.keys = std::move(*adopted);
    trouble += ": made anew from what is published";
  }
  Advance step = without_removed(advance(std::move(keys), seen, now, rotation),
                                 configured_selectors(domain), now.time, rotation);
  switch (from.writing) {
    case Writing::state:
      if (auto written = from.states.write(step.keys); !written)
        return failed(written.error().message);
      break;
    case Writing::nothing:
      return {std::move(step.events), std::move(trouble), is_alarming(step.keys)};
  }
  Watched watched{std::move(step.events), std::move(trouble), false};
  for (const KeyLife& key : step.keys.keys) {
    if (is_configured(domain, key.selector) || key.given_up) continue;
    watched.trouble +=
        fmt::format("{}{} {}: is not in the configuration", watched.trouble.empty() ? "" : "; ",
                    name.text(), key.selector.text());
  }
  watched.alarm = !watched.trouble.empty() || is_alarming(step.keys);
  if (rotation.hook.empty()) return watched;
  lock->release();
  // Keys that were made since the configuration was read, rotate has told.
  std::erase_if(step.keys.keys,
                [&](const KeyLife& key) { return known->find(key.selector) == nullptr; });
  DnsChanges needed = dns_changes(from.config, domain, step.keys);
  for (const std::string& failure : run_hook(rotation.hook, needed.changes))
    needed.troubles.push_back(failure);
  for (const std::string& line : needed.troubles)
    watched.trouble += (watched.trouble.empty() ? "" : "; ") + line;
  watched.alarm = watched.alarm || !needed.troubles.empty();
  return watched;
}

}  // namespace authmilter::tools
