#pragma once

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include <authmilter/zone_resolver.h>

namespace authmilter {

/// The data of a record, as far as we have a use for it.
struct AddressV4 {
  IpAddress address;
  bool operator==(const AddressV4&) const = default;
};
struct AddressV6 {
  IpAddress address;
  bool operator==(const AddressV6&) const = default;
};
struct Pointer {
  DnsName target;
  bool operator==(const Pointer&) const = default;
};
struct Alias {  // CNAME
  DnsName target;
  bool operator==(const Alias&) const = default;
};
struct Text {
  std::vector<std::string> strings;  // of at most 255 octets each
  bool operator==(const Text&) const = default;
};
struct Authority {               // SOA
  std::chrono::seconds minimum;  // RFC 2308 section 4: how long a negative answer is kept
  bool operator==(const Authority&) const = default;
};
/// Of a type that we never ask for; it makes the name exist.
struct OtherData {
  bool operator==(const OtherData&) const = default;
};
using RecordData =
    std::variant<AddressV4, AddressV6, MxRecord, Pointer, Alias, Text, Authority, OtherData>;

struct MasterRecord {
  DnsName owner;
  std::chrono::seconds ttl;
  RecordData data;
  std::size_t line;  // where it is written
};

/// Reads an RFC 1035 master file. The origin at the start is the root. Errors read
/// "name:line: what is wrong".
Result<std::vector<MasterRecord>> parse_master_file(const ZoneFile& file);

}  // namespace authmilter
