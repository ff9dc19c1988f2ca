#pragma once

#include <string>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/key_publication.h>
#include <authmilter/rotation.h>

namespace authmilter::tools {

/// What the DNS needs, and why something is left out of it, a line each.
struct DnsChanges {
  std::vector<RecordChange> changes;
  std::vector<std::string> troubles;
};

bool is_configured(const SigningDomainConfig& domain, const Selector& selector);

/// What the DNS needs for the keys of a domain. Their state may be written by a user who may not
/// change the DNS. So only keys of the configuration count, a record to publish is that of the key
/// itself where that can be read, and one that is not the key's any more is nobody's to replace.
/// One key's trouble leaves the others alone.
DnsChanges dns_changes(const Config& config, const SigningDomainConfig& domain,
                       const DomainKeys& keys);

}  // namespace authmilter::tools
