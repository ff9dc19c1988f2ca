#include "dns/answer_wire.h"

#include <algorithm>
#include <optional>

#include "dns/limits.h"
#include "dns/rdata.h"
#include "dns/record_fields.h"
#include "dns/wire_reader.h"

namespace authmilter {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMessageOctets = 65535;  // RFC 1035 section 4.2.2
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kIsResponse = 0x8000;
constexpr std::uint16_t kIsTruncated = 0x0200;
constexpr std::uint16_t kRcodeMask = 0x000f;
constexpr std::uint16_t kNoError = 0;
constexpr std::uint16_t kNameError = 3;

struct WireRecord {
  WireName owner;
  RrType type;  // any number
  seconds ttl;
  WireReader data;

  bool is(const DnsName& name, RrType wanted) const {
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
    records.push_back({std::move(owner), static_cast<RrType>(type), kept, data});
  }
  return records;
}

/// Where the CNAMEs of an answer lead.
struct ChainEnd {
  DnsFault fault = DnsFault::none;
  DnsName name;
  seconds ttl = seconds::max();
};

ChainEnd follow_aliases(const std::vector<WireRecord>& records, const DnsQuestion& question) {
  ChainEnd chain{DnsFault::none, question.name};
  for (int aliases = 0;; ++aliases) {
    const auto here = [&](RrType wanted) {
      return std::find_if(records.begin(), records.end(),
                          [&](const WireRecord& record) { return record.is(chain.name, wanted); });
    };
    if (here(question.type) != records.end()) return chain;
    const auto alias = here(RrType::cname);
    if (alias == records.end()) return chain;
    if (aliases == kAliasLimit) {
      chain.fault = DnsFault::servfail;
      return chain;
    }
    const auto rdata = read_rdata(RrType::cname, alias->data);
    if (!rdata.record) {
      chain.fault = DnsFault::malformed;
      return chain;
    }
    chain.name = std::get<CnameRecord>(*rdata.record).target;
    chain.ttl = std::min(chain.ttl, alias->ttl);
  }
}

/// RFC 2308 section 5: the lower of the SOA record's own TTL and its last field.
seconds negative_ttl(const std::vector<WireRecord>& authority) {
  for (const auto& record : authority) {
    if (record.type != RrType::soa) continue;
    const auto soa = read_rdata(RrType::soa, record.data).record;
    if (soa) return std::min(record.ttl, seconds(std::get<SoaRecord>(*soa).minimum));
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
  for (const auto& record : *records) {
    if (!record.is(chain.name, question.type)) continue;
    any = true;
    auto rdata = read_rdata(question.type, record.data);
    if (rdata.malformed) return malformed();
    if (rdata.record) answer.records.push_back(std::move(*rdata.record));
    answer.ttl = std::min(answer.ttl, record.ttl);
  }
  if (any) {
    if (answer.records.empty() || rcode == kNameError) return malformed();
    sort_by_preference(answer.records);
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
