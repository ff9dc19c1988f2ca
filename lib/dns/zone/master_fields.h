#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dns_record.h>
#include <authmilter/result.h>

#include "dns/record_fields.h"
#include "dns/zone/master_lexer.h"

namespace authmilter {

struct MasterFields {
  DnsRecord record;
  /// Of the strings of a TXT record, which `record` has joined: with another split it is another
  /// record.
  std::vector<std::size_t> lengths;
  bool operator==(const MasterFields&) const = default;
};

/// What is written for the data of a record of `type`, names relative to `origin`; also as octets,
/// `\# LENGTH HEX` (RFC 3597 section 5).
Result<MasterFields> read_master_fields(const RecordType& type, std::span<const MasterToken> tokens,
                                        const DnsName& origin);

Result<DnsName> read_master_name(const MasterToken& token, const DnsName& origin);
std::optional<std::uint32_t> parse_master_number(std::string_view text);
/// "3600", or "1h30m" as the common servers write it; 31 bits (RFC 2181 section 8).
std::optional<std::chrono::seconds> parse_master_ttl(std::string_view text);

/// A word for an error's text.
std::string shown(const MasterToken& token);

}  // namespace authmilter
