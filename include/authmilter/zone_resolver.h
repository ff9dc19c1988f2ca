#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dns_answer.h>
#include <authmilter/resolver.h>
#include <authmilter/result.h>

namespace authmilter {

/// Answers from RFC 1035 master files in memory. Immutable once built, so thread-safe.
/// CNAMEs are followed within the zones; wildcards (RFC 4592) and empty non-terminals work.
/// `out_of_zone` (may be null, must outlive this) is asked for names that the zones do not hold
/// and that are below none of their SOA records; without it such names do not exist.
struct ZoneFile {
  std::string name;  // for error messages
  std::string text;
};
Result<std::unique_ptr<Resolver>> make_zone_resolver(const std::vector<ZoneFile>& files,
                                                     Resolver* out_of_zone = nullptr);

/// For tests: the zone `text`, and names that answer with a fault for every type they have no
/// record of. A bad text throws std::invalid_argument.
struct ZoneFault {
  std::string name;
  DnsFault fault;
};
std::unique_ptr<Resolver> make_test_resolver(std::string_view text,
                                             const std::vector<ZoneFault>& faults = {});

}  // namespace authmilter
