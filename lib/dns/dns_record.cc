#include <authmilter/dns_record.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ascii.h"
#include "dns/record_fields.h"

namespace authmilter {
namespace {

template <std::size_t... Index>
constexpr auto table_of(std::index_sequence<Index...>) {
  return std::array{RecordType{std::variant_alternative_t<Index, DnsRecord>::kType,
                               std::variant_alternative_t<Index, DnsRecord>::kName,
                               std::variant_alternative_t<Index, DnsRecord>::kNeeds}...};
}
constexpr auto kTypes = table_of(std::make_index_sequence<std::variant_size_v<DnsRecord>>());

template <class Condition>
const RecordType* find(Condition condition) {
  const auto* const found = std::find_if(kTypes.begin(), kTypes.end(), condition);
  return found == kTypes.end() ? nullptr : found;
}

/// Writes the fields with a blank between them.
class Printer {
 public:
  void number(unsigned value, std::string_view = {}) { add(std::to_string(value)); }
  void algorithm(std::uint8_t value) { number(value); }
  void seconds(std::uint32_t value) { number(value); }
  void name(const DnsName& name) { add(name.text()); }
  void mailbox() {}
  void v4(const IpAddress& address) { add(address.text()); }
  void v6(const IpAddress& address) { add(address.text()); }
  void strings(const std::string& text) { add(text); }
  void tag(const std::string& text) { add(text); }
  void rest(const std::string& text) { add(text); }
  void hexadecimal(const std::vector<std::uint8_t>& octets) {
    add(fmt::format("{:02x}", fmt::join(octets, "")));
  }
  void base64(const std::vector<std::uint8_t>& octets) { hexadecimal(octets); }

  std::string take() { return std::move(text_); }

 private:
  void add(std::string_view field) {
    if (std::exchange(any_, true)) text_ += ' ';
    text_ += field;
  }

  std::string text_;
  bool any_ = false;
};

}  // namespace

const RecordType* find_record_type(RrType type) {
  return find([&](const RecordType& known) { return known.type == type; });
}

const RecordType* find_record_type(std::string_view name) {
  return find([&](const RecordType& known) { return equals_ignoring_case(known.name, name); });
}

std::string_view to_string(RrType type) {
  const RecordType* known = find_record_type(type);
  return known == nullptr ? "unknown" : known->name;
}

std::optional<RrType> parse_rr_type(std::string_view name) {
  const RecordType* known = find_record_type(name);
  return known == nullptr ? std::nullopt : std::optional(known->type);
}

void sort_by_preference(std::vector<DnsRecord>& records) {
  const auto preference = [](const DnsRecord& record) {
    const auto* mx = std::get_if<MxRecord>(&record);
    return mx == nullptr ? 0 : mx->preference;
  };
  std::stable_sort(records.begin(), records.end(), [&](const DnsRecord& a, const DnsRecord& b) {
    return preference(a) < preference(b);
  });
}

RrType type_of(const DnsRecord& record) {
  return std::visit([](const auto& known) { return known.kType; }, record);
}

std::string to_string(const DnsRecord& record) {
  Printer printer;
  visit_fields(record, printer);
  return printer.take();
}

}  // namespace authmilter
