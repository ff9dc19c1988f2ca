#include "dns/answer_wire.h"

#include <algorithm>
#include <optional>

#include "dns/limits.h"
#include "dns/wire_reader.h"

namespace authmilter {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMessageOctets = 65535;  // RFC 1035 section 4.2.2
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kTypeCname = 5;
constexpr std::uint16_t kTypeSoa = 6;
constexpr std::uint16_t kIsResponse = 0x8000;
constexpr std::uint16_t kIsTruncated = 0x0200;
constexpr std::uint16_t kRcodeMask = 0x000f;
constexpr std::uint16_t kNoError = 0;
constexpr std::uint16_t kNameError = 3;

struct WireRecord {
  WireName owner;
  std::uint16_t type;
  seconds ttl;
  WireReader data;
  std::size_t data_size;

  bool is(const DnsName& name, std::uint16_t wanted) const {
    return type == wanted && !owner.dot_in_label && owner.text == name.text();
  }
};

/// Records of a section; nothing when one of them cannot be read. Other classes are left out. The
/// count in the header is a promise only: memory grows with what is there.
std::optional<std::vector<WireRecord>> read_section(WireReader& reader, std::uint16_t count) {
  std::vector<WireRecord> records;
  for (std::uint16_t i = 0; i < count; ++i) {
    WireName owner = reader.name();
    const auto type = reader.number16();
    const auto rr_class = reader.number16();
    const auto ttl = reader.number32();
    const auto size = reader.number16();
    const WireReader data = reader.part(size);
    reader.octets(size);
    if (reader.failed()) return std::nullopt;
    if (rr_class != kClassIn) continue;
    // RFC 2181 section 8: a TTL with the top bit set is zero.
    const seconds kept(ttl > 0x7fffffffU ? 0U : ttl);
    records.push_back({std::move(owner), type, kept, data, size});
  }
  return records;
}

enum class Taken { yes, ignored, malformed };

/// A name in a record's data that fills it to its end.
struct TargetName {
  Taken taken = Taken::malformed;
  std::optional<DnsName> name;
};

TargetName read_target(WireReader data, std::size_t end) {
  const WireName wire = data.name();
  if (data.failed() || data.position() != end) return {};
  // There is no text for it that would not read as another name.
  if (wire.dot_in_label) return {Taken::ignored, std::nullopt};
  auto name = DnsName::parse(wire.text);
  if (!name) return {};
  return {Taken::yes, std::move(name)};
}

Taken take_address(DnsAnswer& answer, WireReader data, std::size_t size) {
  const auto octets = data.octets(size);
  if (octets.size() == 4)
    answer.addresses.push_back(IpAddress::v4(octets.first<4>()));
  else if (octets.size() == 16)
    answer.addresses.push_back(IpAddress::v6(octets.first<16>()));
  else
    return Taken::malformed;
  return Taken::yes;
}

Taken take_text(DnsAnswer& answer, WireReader data, std::size_t end) {
  // RFC 1035 section 3.3.14: one or more character strings. A record without is no text, and no
  // reason to give up those that are.
  if (data.position() == end) return Taken::ignored;
  std::string text;
  do {
    const std::size_t length = data.octet();
    const auto octets = data.octets(length);
    if (data.failed() || data.position() > end) return Taken::malformed;
    text.append(octets.begin(), octets.end());
  } while (data.position() < end);
  answer.texts.push_back(std::move(text));
  return Taken::yes;
}

Taken take(DnsAnswer& answer, const WireRecord& record, RrType type) {
  WireReader data = record.data;
  const std::size_t end = data.position() + record.data_size;
  switch (type) {
    case RrType::a:
      return record.data_size == 4 ? take_address(answer, data, 4) : Taken::malformed;
    case RrType::aaaa:
      return record.data_size == 16 ? take_address(answer, data, 16) : Taken::malformed;
    case RrType::txt:
      return take_text(answer, data, end);
    case RrType::ptr: {
      auto target = read_target(data, end);
      if (target.name) answer.names.push_back(*target.name);
      return target.taken;
    }
    case RrType::mx: {
      const auto preference = data.number16();
      auto target = read_target(data, end);
      if (target.name) answer.exchanges.push_back({preference, *target.name});
      return target.taken;
    }
  }
  return Taken::malformed;
}

/// Where the CNAMEs of an answer lead.
struct ChainEnd {
  DnsFault fault = DnsFault::none;
  DnsName name;
  seconds ttl = seconds::max();
};

ChainEnd follow_aliases(const std::vector<WireRecord>& records, const DnsQuestion& question) {
  ChainEnd chain{DnsFault::none, question.name};
  const auto type = static_cast<std::uint16_t>(question.type);
  for (int aliases = 0;; ++aliases) {
    const auto here = [&](std::uint16_t wanted) {
      return std::find_if(records.begin(), records.end(),
                          [&](const WireRecord& record) { return record.is(chain.name, wanted); });
    };
    if (here(type) != records.end()) return chain;
    const auto alias = here(kTypeCname);
    if (alias == records.end()) return chain;
    if (aliases == kAliasLimit) {
      chain.fault = DnsFault::servfail;
      return chain;
    }
    const auto target = read_target(alias->data, alias->data.position() + alias->data_size);
    if (!target.name) {
      chain.fault = DnsFault::malformed;
      return chain;
    }
    chain.name = *target.name;
    chain.ttl = std::min(chain.ttl, alias->ttl);
  }
}

/// RFC 2308 section 5: the lower of the SOA record's own TTL and its last field.
seconds negative_ttl(const std::vector<WireRecord>& authority) {
  for (const auto& record : authority) {
    if (record.type != kTypeSoa) continue;
    WireReader data = record.data;
    data.name();
    data.name();
    data.octets(16);
    const seconds minimum(data.number32());
    if (!data.failed()) return std::min(record.ttl, minimum);
  }
  return kNegativeTtl;
}

}  // namespace

DnsAnswer parse_dns_answer(std::span<const std::uint8_t> message, const DnsQuestion& question) {
  const auto malformed = [] { return DnsAnswer::failed(DnsFault::malformed); };
  if (message.size() > kMessageOctets) return malformed();

  WireReader reader(message);
  reader.number16();  // the identifier is the transport's
  const auto flags = reader.number16();
  const auto questions = reader.number16();
  const auto answers = reader.number16();
  const auto authorities = reader.number16();
  reader.number16();
  if (reader.failed() || (flags & kIsResponse) == 0 || (flags & kIsTruncated) != 0)
    return malformed();
  const auto rcode = flags & kRcodeMask;
  if (rcode != kNoError && rcode != kNameError) return DnsAnswer::failed(DnsFault::servfail);

  if (questions != 1) return malformed();
  const WireName asked = reader.name();
  const auto asked_type = reader.number16();
  const auto asked_class = reader.number16();
  if (reader.failed() || asked.dot_in_label || asked.text != question.name.text() ||
      asked_type != static_cast<std::uint16_t>(question.type) || asked_class != kClassIn)
    return malformed();

  const auto records = read_section(reader, answers);
  if (!records) return malformed();
  const auto chain = follow_aliases(*records, question);
  if (chain.fault != DnsFault::none) return DnsAnswer::failed(chain.fault);

  DnsAnswer answer;
  answer.ttl = chain.ttl;
  bool any = false;
  bool any_taken = false;
  for (const auto& record : *records) {
    if (!record.is(chain.name, asked_type)) continue;
    any = true;
    const auto taken = take(answer, record, question.type);
    if (taken == Taken::malformed) return malformed();
    any_taken = any_taken || taken == Taken::yes;
    answer.ttl = std::min(answer.ttl, record.ttl);
  }
  if (any) {
    if (!any_taken || rcode == kNameError) return malformed();
    std::stable_sort(
        answer.exchanges.begin(), answer.exchanges.end(),
        [](const MxRecord& a, const MxRecord& b) { return a.preference < b.preference; });
    answer.status = DnsStatus::success;
    return answer;
  }

  const auto authority = read_section(reader, authorities);
  if (!authority) return malformed();
  answer.status = rcode == kNameError ? DnsStatus::nxdomain : DnsStatus::no_data;
  answer.ttl = std::min(answer.ttl, negative_ttl(*authority));
  return answer;
}

}  // namespace authmilter
