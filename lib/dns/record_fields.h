#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <authmilter/dns_record.h>

namespace authmilter {

/// Shows the fields of a record to `visitor` (see dns_record.h).
template <class Visitor>
void visit_fields(const DnsRecord& record, Visitor& visitor) {
  std::visit([&](const auto& known) { known.fields(known, visitor); }, record);
}

/// A record of `type` with the fields that `reader` gives it; nothing for an unknown type.
template <class Reader, std::size_t Index = 0>
std::optional<DnsRecord> read_fields(RrType type, Reader& reader) {
  if constexpr (Index == std::variant_size_v<DnsRecord>) {
    return std::nullopt;
  } else {
    using Record = std::variant_alternative_t<Index, DnsRecord>;
    if (type != Record::kType) return read_fields<Reader, Index + 1>(type, reader);
    Record record;
    Record::fields(record, reader);
    return DnsRecord(std::move(record));
  }
}

/// MX records in order of preference, equals and others as they are.
void sort_by_preference(std::vector<DnsRecord>& records);

struct RecordType {
  RrType type;
  std::string_view name;
  std::string_view needs;
};
/// Null for numbers and names that are not among them.
const RecordType* find_record_type(RrType type);
const RecordType* find_record_type(std::string_view name);

}  // namespace authmilter
