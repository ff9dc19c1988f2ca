#include <algorithm>
#include <set>

#include "base/ascii.h"
#include "dns/zone/master_file.h"
#include "input.h"

// Master files (RFC 1035 section 5): what the file says is what the resolver answers.

using namespace authmilter;
using fuzz::require;

namespace {

template <class List, class Item>
bool holds(const List& list, const Item& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

void check_record(const MasterRecord& record, const std::set<DnsName>& aliases,
                  Resolver& resolver) {
  const auto ask = [&](RrType type) { return resolver.resolve({record.owner, type}); };
  // Where a CNAME leads need not exist.
  if (aliases.contains(record.owner)) return;
  require(ask(RrType::txt)->status != DnsStatus::nxdomain, "an owner exists");
  if (const auto* v4 = std::get_if<AddressV4>(&record.data)) {
    require(holds(ask(RrType::a)->addresses, v4->address), "A records are answered");
  } else if (const auto* v6 = std::get_if<AddressV6>(&record.data)) {
    require(holds(ask(RrType::aaaa)->addresses, v6->address), "AAAA records are answered");
  } else if (const auto* mx = std::get_if<MxRecord>(&record.data)) {
    require(holds(ask(RrType::mx)->exchanges, *mx), "MX records are answered");
  } else if (const auto* pointer = std::get_if<Pointer>(&record.data)) {
    require(holds(ask(RrType::ptr)->names, pointer->target), "PTR records are answered");
  } else if (const auto* text = std::get_if<Text>(&record.data)) {
    std::string joined;
    for (const auto& string : text->strings) {
      require(string.size() <= 255, "a character string has at most 255 octets");
      joined += string;
    }
    require(holds(ask(RrType::txt)->texts, joined), "TXT records are answered");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const ZoneFile file{"zone", std::string(input.text())};
  const auto records = parse_master_file(file);
  const auto resolver = make_zone_resolver({file});
  if (!records) {
    require(!resolver, "a bad file gives no resolver");
    require(records.error().message.starts_with("zone:"), "errors say where");
    require(fuzz::printable_ascii(records.error().message), "errors can be printed");
    return 0;
  }
  if (!resolver) {
    require(resolver.error().message.starts_with("zone:"), "errors say where");
    return 0;
  }
  std::set<DnsName> aliases;
  for (const MasterRecord& record : *records) {
    if (std::holds_alternative<Alias>(record.data)) aliases.insert(record.owner);
  }
  for (const MasterRecord& record : *records) {
    require(record.ttl.count() >= 0, "times are not negative");
    check_record(record, aliases, **resolver);
  }
  return 0;
}
