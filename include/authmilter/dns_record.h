#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <authmilter/dns_name.h>
#include <authmilter/ip_address.h>

namespace authmilter {

/// The record types that can be asked for; the values are the wire's. A type is added here and as
/// one structure below, which DnsRecord names; all that reads, counts or prints records follows.
enum class RrType : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  srv = 33,
  ds = 43,
  dnskey = 48,
  tlsa = 52,
  caa = 257,
};
std::string_view to_string(RrType type);
/// By its name in any case, "TXT"; nothing for a type that is not among them.
std::optional<RrType> parse_rr_type(std::string_view name);

// The data of records. kNeeds says for people what a master file has to give. fields() shows the
// fields to a visitor in the order of the wire, whether it reads, writes or counts them: number()
// of 8, 16 or 32 bits, algorithm() (of DNSSEC), seconds(), name(), mailbox() (a name that is not
// kept), v4(), v6(), strings() (character strings, joined), tag() (one of them), and to the end of
// the data rest() for text, hexadecimal() and base64().

struct ARecord {
  static constexpr RrType kType = RrType::a;
  static constexpr std::string_view kName = "A";
  static constexpr std::string_view kNeeds = "one address";
  IpAddress address = {};
  bool operator==(const ARecord&) const = default;
  static void fields(auto& record, auto& visitor) { visitor.v4(record.address); }
};

struct AaaaRecord {
  static constexpr RrType kType = RrType::aaaa;
  static constexpr std::string_view kName = "AAAA";
  static constexpr std::string_view kNeeds = "one address";
  IpAddress address = {};
  bool operator==(const AaaaRecord&) const = default;
  static void fields(auto& record, auto& visitor) { visitor.v6(record.address); }
};

struct MxRecord {
  static constexpr RrType kType = RrType::mx;
  static constexpr std::string_view kName = "MX";
  static constexpr std::string_view kNeeds = "a preference and a name";
  std::uint16_t preference = 0;
  DnsName exchange = {};  // the root name for a null MX (RFC 7505)
  bool operator==(const MxRecord&) const = default;
  static void fields(auto& record, auto& visitor) {
    visitor.number(record.preference, "an MX preference");
    visitor.name(record.exchange);
  }
};

struct PtrRecord {
  static constexpr RrType kType = RrType::ptr;
  static constexpr std::string_view kName = "PTR";
  static constexpr std::string_view kNeeds = "one name";
  DnsName target = {};
  bool operator==(const PtrRecord&) const = default;
  static void fields(auto& record, auto& visitor) { visitor.name(record.target); }
};

struct CnameRecord {
  static constexpr RrType kType = RrType::cname;
  static constexpr std::string_view kName = "CNAME";
  static constexpr std::string_view kNeeds = "one name";
  DnsName target = {};
  bool operator==(const CnameRecord&) const = default;
  static void fields(auto& record, auto& visitor) { visitor.name(record.target); }
};

struct NsRecord {
  static constexpr RrType kType = RrType::ns;
  static constexpr std::string_view kName = "NS";
  static constexpr std::string_view kNeeds = "one name";
  DnsName target = {};
  bool operator==(const NsRecord&) const = default;
  static void fields(auto& record, auto& visitor) { visitor.name(record.target); }
};

/// The strings of the record joined without a separator; any octet.
struct TxtRecord {
  static constexpr RrType kType = RrType::txt;
  static constexpr std::string_view kName = "TXT";
  static constexpr std::string_view kNeeds = "at least one string";
  std::string text = {};
  bool operator==(const TxtRecord&) const = default;
  static void fields(auto& record, auto& visitor) { visitor.strings(record.text); }
};

/// Without the mailbox, whose first label may hold a dot.
struct SoaRecord {
  static constexpr RrType kType = RrType::soa;
  static constexpr std::string_view kName = "SOA";
  static constexpr std::string_view kNeeds = "two names and five numbers";
  DnsName primary = {};
  std::uint32_t serial = 0;
  std::uint32_t refresh = 0;  // this and the following in seconds
  std::uint32_t retry = 0;
  std::uint32_t expire = 0;
  std::uint32_t minimum = 0;  // RFC 2308 section 4: how long a negative answer is kept
  bool operator==(const SoaRecord&) const = default;
  static void fields(auto& record, auto& visitor) {
    visitor.name(record.primary);
    visitor.mailbox();
    visitor.number(record.serial, "a serial number");
    visitor.seconds(record.refresh);
    visitor.seconds(record.retry);
    visitor.seconds(record.expire);
    visitor.seconds(record.minimum);
  }
};

struct SrvRecord {  // RFC 2782
  static constexpr RrType kType = RrType::srv;
  static constexpr std::string_view kName = "SRV";
  static constexpr std::string_view kNeeds = "a priority, a weight, a port and a name";
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  DnsName target = {};
  bool operator==(const SrvRecord&) const = default;
  static void fields(auto& record, auto& visitor) {
    visitor.number(record.priority, "a priority");
    visitor.number(record.weight, "a weight");
    visitor.number(record.port, "a port");
    visitor.name(record.target);
  }
};

struct DsRecord {  // RFC 4034 section 5
  static constexpr RrType kType = RrType::ds;
  static constexpr std::string_view kName = "DS";
  static constexpr std::string_view kNeeds = "a key tag, an algorithm, a digest type and a digest";
  std::uint16_t key_tag = 0;
  std::uint8_t algorithm = 0;
  std::uint8_t digest_type = 0;
  std::vector<std::uint8_t> digest = {};
  bool operator==(const DsRecord&) const = default;
  static void fields(auto& record, auto& visitor) {
    visitor.number(record.key_tag, "a key tag");
    visitor.algorithm(record.algorithm);
    visitor.number(record.digest_type, "a digest type");
    visitor.hexadecimal(record.digest);
  }
};

struct DnskeyRecord {  // RFC 4034 section 2
  static constexpr RrType kType = RrType::dnskey;
  static constexpr std::string_view kName = "DNSKEY";
  static constexpr std::string_view kNeeds = "flags, a protocol, an algorithm and a key";
  std::uint16_t flags = 0;
  std::uint8_t protocol = 0;
  std::uint8_t algorithm = 0;
  std::vector<std::uint8_t> key = {};
  bool operator==(const DnskeyRecord&) const = default;
  static void fields(auto& record, auto& visitor) {
    visitor.number(record.flags, "a number for flags");
    visitor.number(record.protocol, "a protocol");
    visitor.algorithm(record.algorithm);
    visitor.base64(record.key);
  }
};

struct TlsaRecord {  // RFC 6698 section 2
  static constexpr RrType kType = RrType::tlsa;
  static constexpr std::string_view kName = "TLSA";
  static constexpr std::string_view kNeeds = "a usage, a selector, a matching type and data";
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching_type = 0;
  std::vector<std::uint8_t> data = {};
  bool operator==(const TlsaRecord&) const = default;
  static void fields(auto& record, auto& visitor) {
    visitor.number(record.usage, "a certificate usage");
    visitor.number(record.selector, "a selector");
    visitor.number(record.matching_type, "a matching type");
    visitor.hexadecimal(record.data);
  }
};

struct CaaRecord {  // RFC 8659 section 4
  static constexpr RrType kType = RrType::caa;
  static constexpr std::string_view kName = "CAA";
  static constexpr std::string_view kNeeds = "flags, a tag and a value";
  std::uint8_t flags = 0;
  std::string tag = {};
  std::string value = {};
  bool operator==(const CaaRecord&) const = default;
  static void fields(auto& record, auto& visitor) {
    visitor.number(record.flags, "a number for flags");
    visitor.tag(record.tag);
    visitor.rest(record.value);
  }
};

using DnsRecord =
    std::variant<ARecord, AaaaRecord, MxRecord, PtrRecord, CnameRecord, NsRecord, TxtRecord,
                 SoaRecord, SrvRecord, DsRecord, DnskeyRecord, TlsaRecord, CaaRecord>;

RrType type_of(const DnsRecord& record);
/// The data for people, as a master file has it but for quotes and escapes: text with any octet.
std::string to_string(const DnsRecord& record);

}  // namespace authmilter
