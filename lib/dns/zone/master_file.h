#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/zone_resolver.h>

#include "dns/zone/master_fields.h"

namespace authmilter {

struct MasterRecord {
  DnsName owner;
  std::chrono::seconds ttl;
  std::optional<MasterFields> data;  // nothing for a type that is never asked for
  std::size_t line;                  // where it is written
};

/// Reads an RFC 1035 master file. The origin at the start is the root. Errors read
/// "name:line: what is wrong", and which word: the reason why this is not ldns' reader.
Result<std::vector<MasterRecord>> parse_master_file(const ZoneFile& file);

}  // namespace authmilter
