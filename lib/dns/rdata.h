#pragma once

#include <optional>

#include <authmilter/dns_record.h>

#include "dns/wire_reader.h"

namespace authmilter {

/// What the data of a record on the wire has come to.
struct Rdata {
  bool malformed = false;
  /// Nothing when malformed, and where there is nothing to use: a TXT record without a string, and
  /// a name with a dot inside of a label, for which there is no text that would not read as another
  /// name.
  std::optional<DnsRecord> record;
};

/// Reads all of `data` (see WireReader::part()) as that of a record of `type`.
Rdata read_rdata(RrType type, WireReader data);

}  // namespace authmilter
