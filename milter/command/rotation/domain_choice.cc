#include "rotation/domain_choice.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <set>

#include <authmilter/published_key.h>

#include "output/output.h"
#include "rotation/as_owner.h"

namespace authmilter::tools {

Result<std::vector<const SigningDomainConfig*>> chosen_domains(
    const Config& config, const std::vector<std::string>& names) {
  std::set<DomainName> wanted;
  for (const std::string& name : names) wanted.insert(*DomainName::parse(name));
  std::vector<const SigningDomainConfig*> chosen;
  for (const SigningDomainConfig* domain : config.signing.all_domains()) {
    if (names.empty() || wanted.erase(domain->domain) != 0) chosen.push_back(domain);
  }
  if (!wanted.empty())
    return Error{wanted.begin()->text() + ": is not a [[signing.domain]] of the configuration"};
  return chosen;
}

Result<std::vector<SigningKey>> keys_of(const Config& config, const SigningDomainConfig& domain) {
  SigningConfig alone;
  alone.token_timeout = config.signing.token_timeout;
  alone.minimum_rsa_bits = 1024;  // what is too short by now is to be replaced
  alone.domains = {domain};
  alone.domains.front().overrides = nullptr;  // they may name other domains
  const auto& keys = domain.keys;
  const AsOwnerOf owner(keys.empty() || keys.front().source.store != KeyStore::file
                            ? std::string()
                            : keys.front().source.text);
  const auto ring = KeyRing::load(alone);
  if (!ring) return ring.error();
  return (*ring)->all();
}

Result<KeyLife> life_of(const SigningKey& key, const SigningKeyConfig& config, std::int64_t now) {
  if (const auto away = key.key->unavailable()) {
    return Error{key.domain.text() + " " + key.selector.text() +
                 ": the key cannot be had now: " + away->message};
  }
  return key_in_use(new_key(key.selector, key.key->type(), key.key->bits(), config.source.written(),
                            key_record_text(*key.key), now));
}

void take_uses(DomainKeys& keys, const KeyStateFiles::Uses& uses) {
  for (KeyLife& key : keys.keys) {
    const auto found = uses.find({keys.domain.text(), key.selector.text()});
    if (found != uses.end()) key.last_used = std::max(key.last_used, found->second);
  }
}

Moment moment_of(const TimeOption& time) {
  if (time) return {*time, "", 0, true};
  Moment now{time_or_now(time), "", 0, false};
  timespec uptime{};
  std::ifstream boot("/proc/sys/kernel/random/boot_id");
  std::string id;
  if (::clock_gettime(CLOCK_BOOTTIME, &uptime) != 0 || !(boot >> id)) return now;
  now.boot = printable(id);
  now.uptime = uptime.tv_sec;
  return now;
}

}  // namespace authmilter::tools
