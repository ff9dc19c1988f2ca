#include <algorithm>
#include <cstddef>
#include <numeric>
#include <set>
#include <variant>

#include "base/ascii.h"
#include "dns/zone/master_file.h"
#include "input.h"

// Master files (RFC 1035 section 5): what the file says is what the resolver answers.

using namespace authmilter;
using fuzz::require;

namespace {

void check_record(const MasterRecord& record, const std::set<DnsName>& aliases,
                  Resolver& resolver) {
  const auto ask = [&](RrType type) { return resolver.resolve({record.owner, type}); };
  // Where a CNAME leads need not exist.
  if (aliases.contains(record.owner)) return;
  require(ask(RrType::txt)->status != DnsStatus::nxdomain, "an owner exists");
  if (!record.data) return;
  const DnsRecord& written = record.data->record;
  if (const auto* text = std::get_if<TxtRecord>(&written)) {
    const auto& lengths = record.data->lengths;
    require(
        !lengths.empty() &&
            std::all_of(lengths.begin(), lengths.end(), [](auto one) { return one <= 255; }) &&
            std::accumulate(lengths.begin(), lengths.end(), std::size_t{0}) == text->text.size(),
        "a TXT record is of strings of at most 255 octets");
  }
  const auto answer = ask(type_of(written));
  require(
      std::find(answer->records.begin(), answer->records.end(), written) != answer->records.end(),
      "what is written is answered");
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
    if (record.data && type_of(record.data->record) == RrType::cname) aliases.insert(record.owner);
  }
  for (const MasterRecord& record : *records) {
    require(record.ttl.count() >= 0, "times are not negative");
    check_record(record, aliases, **resolver);
  }
  return 0;
}
