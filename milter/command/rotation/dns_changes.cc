#include "rotation/dns_changes.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <authmilter/published_key.h>

#include "rotation/domain_choice.h"

namespace authmilter::tools {
namespace {

const SigningKeyConfig* find_key(const SigningDomainConfig& domain, const Selector& selector) {
  const auto found =
      std::find_if(domain.keys.begin(), domain.keys.end(),
                   [&](const SigningKeyConfig& key) { return key.selector == selector; });
  return found == domain.keys.end() ? nullptr : &*found;
}

/// Of the key itself; empty where it cannot be read.
std::string own_record(const Config& config, const SigningDomainConfig& domain,
                       const SigningKeyConfig& key) {
  SigningDomainConfig alone = domain;
  alone.keys = {key};
  const auto keys = keys_of(config, alone);
  if (!keys || keys->size() != 1 || keys->front().key->unavailable()) return "";
  return key_record_text(*keys->front().key);
}

}  // namespace

bool is_configured(const SigningDomainConfig& domain, const Selector& selector) {
  return find_key(domain, selector) != nullptr;
}

DnsChanges dns_changes(const Config& config, const SigningDomainConfig& domain,
                       const DomainKeys& keys) {
  DnsChanges found;
  for (KeyLife key : keys.keys) {
    const auto refuse = [&](const std::string& why) {
      found.troubles.push_back(
          fmt::format("{} {}: {}", keys.domain.text(), key.selector.text(), why));
    };
    const NextStep step = next_step(key, keys, config.rotation);
    if (step != NextStep::publish && step != NextStep::publish_empty &&
        step != NextStep::remove_record)
      continue;
    const SigningKeyConfig* configured = find_key(domain, key.selector);
    if (configured == nullptr) {
      refuse("is not in the configuration, so no change of its record is told");
      continue;
    }
    if (step == NextStep::publish_empty && key.published == Publication::differs) {
      refuse("another record stands under its name, and is left alone: see to it by hand");
      continue;
    }
    if (step == NextStep::publish) {
      std::string own = own_record(config, domain, *configured);
      if (!own.empty() && own != key.record) {
        refuse("its state has another record than its key, which is what counts");
        key.record = std::move(own);
      }
    }
    auto changes = record_changes(key, keys, config.rotation);
    if (!changes) {
      found.troubles.push_back(changes.error().message);
      continue;
    }
    found.changes.insert(found.changes.end(), changes->begin(), changes->end());
  }
  return found;
}

}  // namespace authmilter::tools
