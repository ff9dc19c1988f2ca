#pragma once

#include <memory>
#include <vector>

#include <authmilter/audit_facts.h>
#include <authmilter/config.h>
#include <authmilter/key_ring.h>
#include <authmilter/report_store.h>

#include "report/store_options.h"

namespace authmilter::tools {

/// The DKIM selectors that are known of domains without asking the DNS: those that were given,
/// those of the configuration, and those that receivers report. What cannot be read of keys or of
/// the store is a note on standard error; for one thread.
class OwnSelectors {
 public:
  /// Reports up to `time` count.
  OwnSelectors(const Config& config, std::vector<std::string> given, std::int64_t time);
  std::vector<SelectorFact> of(const DomainName& domain) const;

 private:
  std::vector<SelectorFact> configured(const DomainName& domain) const;
  std::vector<std::string> reported(const DomainName& domain) const;

  const Config& config_;
  std::vector<std::string> given_;
  std::shared_ptr<const KeyRing> keys_;  // null: they cannot be read
  StoreOptions store_options_;
  std::unique_ptr<OpenStore> store_;  // null: none is configured
};

}  // namespace authmilter::tools
