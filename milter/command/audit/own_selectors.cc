#include "audit/own_selectors.h"

#include <algorithm>
#include <set>
#include <utility>

#include <authmilter/published_key.h>

#include "output/exit_status.h"
#include "report/load_view.h"

namespace authmilter::tools {

OwnSelectors::OwnSelectors(const Config& config, std::vector<std::string> given, std::int64_t time)
    : config_(config), given_(std::move(given)) {
  auto keys = KeyRing::load(config.signing);
  if (keys) {
    keys_ = std::move(*keys);
  } else {
    note("whether published keys are ours is not looked at: " + keys.error().message);
  }
  if (!config.reports.store) return;
  store_options_.since = "90d";
  store_options_.time = time;
  store_ = std::make_unique<OpenStore>(store_options_, config);
  if (*store_) return;
  note("selectors of stored reports are not looked at: " + store_->message());
  store_ = nullptr;
}

std::vector<SelectorFact> OwnSelectors::configured(const DomainName& domain) const {
  std::vector<SelectorFact> selectors;
  if (keys_) {
    for (const SigningKey& key : keys_->known_keys_for(domain)) {
      if (key.domain != domain) continue;
      // A token that is away has no public key to tell.
      const bool here = key.key && !key.key->unavailable();
      selectors.push_back({key.selector.text(), SelectorOrigin::configured,
                           here ? key_record_text(*key.key) : std::string()});
    }
    return selectors;
  }
  for (const SigningDomainConfig* configured : config_.signing.all_domains()) {
    if (configured->domain != domain) continue;
    for (const SigningKeyConfig& key : configured->keys)
      selectors.push_back({key.selector.text(), SelectorOrigin::configured, ""});
  }
  return selectors;
}

std::vector<std::string> OwnSelectors::reported(const DomainName& domain) const {
  std::vector<std::string> selectors;
  if (!store_) return selectors;
  const auto view = load_view(**store_, ViewQuery::Rows::received, period_of(store_options_),
                              domain.text(), nullptr);
  if (!view) {
    note("selectors of stored reports are not looked at: " + view.error().message);
    return selectors;
  }
  for (const DomainView& seen : view->domains()) {
    for (const SelectorView& selector : seen.selectors) {
      if (selector.domain == domain.text()) selectors.push_back(selector.selector);
    }
  }
  return selectors;
}

std::vector<SelectorFact> OwnSelectors::of(const DomainName& domain) const {
  std::vector<SelectorFact> selectors = configured(domain);
  std::set<std::string> seen;
  for (const SelectorFact& fact : selectors) seen.insert(fact.selector);
  const auto add = [&](const std::vector<std::string>& names, SelectorOrigin origin) {
    for (const std::string& name : names) {
      // What others report is a stranger's text.
      const auto selector = Selector::of_own_key(name);
      if (selector && seen.insert(selector->text()).second)
        selectors.push_back({selector->text(), origin, ""});
    }
  };
  add(given_, SelectorOrigin::given);
  add(reported(domain), SelectorOrigin::reported);
  return selectors;
}

}  // namespace authmilter::tools
