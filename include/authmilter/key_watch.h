#pragma once

#include <map>
#include <string>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/private_key.h>
#include <authmilter/resolver.h>
#include <authmilter/rotation.h>
#include <authmilter/zone_watch.h>

namespace authmilter {

/// What the TXT records under a key's name are to it. `key` (may be null) is its private half;
/// without it the text of `life.record` decides.
Publication publication_of(const std::vector<std::string>& texts, const KeyLife& life,
                           const PrivateKey* key);

/// Looks at a key's record, at every authoritative server and through `resolver`, past its cache.
Observation observe_key(const DomainName& domain, const KeyLife& life, const PrivateKey* key,
                        ZoneWatch& zones, Resolver& resolver);

/// The state of keys of which none is known, from what is published of them, which of them have
/// signed (`last_used`) and when each was made (`since`, of its file). Of each type those sign
/// whose record is seen everywhere and that signed last; where it is not known who did, the oldest
/// alone. The others wait from the beginning, or are retired where they were revoked or are older
/// and not published. An error where the DNS does not say enough: all go on as they are.
Result<std::vector<KeyLife>> adopt_published(std::vector<KeyLife> keys,
                                             const std::map<Selector, Observation>& seen,
                                             std::int64_t now);

}  // namespace authmilter
