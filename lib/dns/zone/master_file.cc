#include "dns/zone/master_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <system_error>

#include <fmt/format.h>

#include "base/ascii.h"
#include "dns/zone/master_lexer.h"

namespace authmilter {
namespace {

using std::chrono::seconds;

constexpr seconds kDefaultTtl{3600};               // where neither $TTL nor a record gives one
constexpr std::uint32_t kMaximumTtl = 0x7fffffff;  // RFC 2181 section 8
constexpr std::size_t kStringOctets = 255;         // RFC 1035 section 3.3
constexpr std::size_t kRdataOctets = 65535;        // RDLENGTH has 16 bits

// Types that exist for others; a word that is in neither list is a mistake in the file.
constexpr std::string_view kOtherTypes[] = {
    "AFSDB", "APL",      "AVC",        "CAA",  "CDNSKEY", "CDS",        "CERT",  "CSYNC", "DHCID",
    "DLV",   "DNAME",    "DNSKEY",     "DS",   "EUI48",   "EUI64",      "GPOS",  "HINFO", "HIP",
    "HTTPS", "IPSECKEY", "ISDN",       "KEY",  "KX",      "L32",        "L64",   "LOC",   "LP",
    "MB",    "MD",       "MF",         "MG",   "MINFO",   "MR",         "NAPTR", "NID",   "NS",
    "NSEC",  "NSEC3",    "NSEC3PARAM", "NULL", "NXT",     "OPENPGPKEY", "PX",    "RP",    "RRSIG",
    "RT",    "SIG",      "SMIMEA",     "SPF",  "SRV",     "SSHFP",      "SVCB",  "TA",    "TKEY",
    "TLSA",  "TSIG",     "URI",        "WKS",  "X25",     "ZONEMD"};

std::optional<std::uint32_t> parse_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> unit_seconds(char unit) {
  switch (to_lower(unit)) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 604800;
    default:
      return std::nullopt;
  }
}

/// "3600", or "1h30m" as the common servers write it.
std::optional<seconds> parse_ttl(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  while (!text.empty()) {
    const auto digits = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
    const auto value = parse_number(text.substr(0, digits));
    if (!value) return std::nullopt;
    text.remove_prefix(digits);
    std::uint64_t factor = 1;
    if (!text.empty()) {
      const auto unit = unit_seconds(text.front());
      if (!unit) return std::nullopt;
      factor = *unit;
      text.remove_prefix(1);
    }
    total += *value * factor;
    if (total > kMaximumTtl) return std::nullopt;
  }
  return seconds(total);
}

bool is_class_in(std::string_view word) {
  return equals_ignoring_case(word, "IN") || equals_ignoring_case(word, "CLASS1");
}

bool is_other_class(std::string_view word) {
  constexpr std::array<std::string_view, 4> kNames = {"CH", "CS", "HS", "NONE"};
  if (starts_with_ignoring_case(word, "CLASS") && parse_number(word.substr(5))) return true;
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view name) { return equals_ignoring_case(word, name); });
}

bool is_other_type(std::string_view word) {
  // RFC 3597 section 5: TYPEnnn names any type.
  if (starts_with_ignoring_case(word, "TYPE")) return parse_number(word.substr(4)).has_value();
  return std::any_of(std::begin(kOtherTypes), std::end(kOtherTypes),
                     [&](std::string_view name) { return equals_ignoring_case(word, name); });
}

/// What an editor has put before the first record, which would be taken for a part of its name.
std::optional<Error> encoding_fault(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) {
    return Error{
        "the file begins with a byte order mark (BOM), which is not part of a zone: save it as "
        "UTF-8 without one"};
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return Error{"the file is in UTF-16: save it as ASCII or UTF-8"};
  return std::nullopt;
}

class MasterFileParser {
 public:
  explicit MasterFileParser(const ZoneFile& file) : file_(file), lexer_(file.text) {}

  Result<std::vector<MasterRecord>> parse() {
    if (const auto fault = encoding_fault(file_.text)) return at_line(1, *fault);
    for (;;) {
      const auto entry = lexer_.next();
      if (!entry) return at_line(lexer_.line(), entry.error());
      if (!*entry) return std::move(records_);
      const auto read = (*entry)->tokens.front().raw.starts_with('$') ? read_directive(**entry)
                                                                      : read_record(**entry);
      if (!read) return at_line((*entry)->line, read.error());
    }
  }

 private:
  using Tokens = std::span<const MasterToken>;

  Error at_line(std::size_t line, const Error& error) const {
    return Error{fmt::format("{}:{}: {}", file_.name, line, error.message)};
  }

  Status read_directive(const MasterEntry& entry) {
    const auto word = entry.tokens.front().raw;
    if (entry.tokens.size() == 2 && equals_ignoring_case(word, "$ORIGIN")) {
      const auto origin = read_name(entry.tokens[1]);
      if (!origin) return origin.error();
      origin_ = *origin;
      return Done{};
    }
    if (entry.tokens.size() == 2 && equals_ignoring_case(word, "$TTL")) {
      default_ttl_ = parse_ttl(entry.tokens[1].raw);
      if (!default_ttl_) return Error{fmt::format("\"{}\" is not a TTL", shown(entry.tokens[1]))};
      return Done{};
    }
    return Error{fmt::format("directive \"{}\" is not understood", shown(entry.tokens.front()))};
  }

  Status read_record(const MasterEntry& entry) {
    Tokens rest(entry.tokens);
    if (!entry.leading_blank) {
      const auto owner = read_name(rest.front());
      if (!owner) return owner.error();
      owner_ = *owner;
      rest = rest.subspan(1);
    }
    if (!owner_) return Error{"record without an owner"};

    // RFC 1035 section 5.1: [<TTL>] [<class>] <type> <RDATA>, the first two in either order.
    std::optional<seconds> ttl;
    bool has_class = false;
    for (; !rest.empty(); rest = rest.subspan(1)) {
      const auto word = rest.front().raw;
      if (is_other_class(word)) return Error{fmt::format("class {} is not IN", word)};
      if (!has_class && is_class_in(word)) {
        has_class = true;
      } else if (!ttl && is_digit(word.empty() ? '\0' : word.front())) {
        ttl = parse_ttl(word);
        if (!ttl) return Error{fmt::format("\"{}\" is not a TTL", shown(rest.front()))};
      } else {
        break;
      }
    }
    if (rest.empty()) return Error{"record without a type"};

    const auto data = read_data(rest.front(), rest.subspan(1));
    if (!data) return data.error();
    if (ttl) last_ttl_ = *ttl;
    const seconds kept = ttl ? *ttl : default_ttl_.value_or(last_ttl_);
    records_.push_back({*owner_, kept, *data, entry.line});
    return Done{};
  }

  Result<RecordData> read_data(const MasterToken& type, Tokens rdata) const {
    const auto is = [&](std::string_view name) { return equals_ignoring_case(type.raw, name); };
    if (is("A")) return read_address(type, rdata, IpAddress::Family::v4);
    if (is("AAAA")) return read_address(type, rdata, IpAddress::Family::v6);
    if (is("MX")) return read_exchange(rdata);
    if (is("PTR") || is("CNAME")) return read_target(type, rdata);
    if (is("TXT")) return read_text(rdata);
    if (is("SOA")) return read_authority(rdata);
    if (is_other_type(type.raw)) return RecordData(OtherData{});
    return Error{fmt::format("unknown type \"{}\"", shown(type))};
  }

  static Result<RecordData> read_address(const MasterToken& type, Tokens rdata,
                                         IpAddress::Family family) {
    if (rdata.size() != 1) return Error{fmt::format("{} needs one address", type.raw)};
    const auto address = IpAddress::parse(rdata.front().raw);
    // A colon decides, because an IPv4-mapped address in an AAAA record reads as IPv4.
    const bool has_colon = rdata.front().raw.find(':') != std::string_view::npos;
    if (!address || has_colon != (family == IpAddress::Family::v6))
      return Error{fmt::format("\"{}\" is not an address for {}", shown(rdata.front()), type.raw)};
    if (has_colon) return RecordData(AddressV6{*address});
    return RecordData(AddressV4{*address});
  }

  Result<RecordData> read_exchange(Tokens rdata) const {
    if (rdata.size() != 2) return Error{"MX needs a preference and a name"};
    const auto preference = parse_number(rdata[0].raw);
    if (!preference || *preference > 0xffff)
      return Error{fmt::format("\"{}\" is not an MX preference", shown(rdata[0]))};
    const auto exchange = read_name(rdata[1]);
    if (!exchange) return exchange.error();
    return RecordData(MxRecord{static_cast<std::uint16_t>(*preference), *exchange});
  }

  Result<RecordData> read_target(const MasterToken& type, Tokens rdata) const {
    if (rdata.size() != 1) return Error{fmt::format("{} needs one name", type.raw)};
    const auto target = read_name(rdata.front());
    if (!target) return target.error();
    if (equals_ignoring_case(type.raw, "PTR")) return RecordData(Pointer{*target});
    return RecordData(Alias{*target});
  }

  static Result<RecordData> read_text(Tokens rdata) {
    if (rdata.empty()) return Error{"TXT needs at least one string"};
    Text text;
    std::size_t octets = 0;
    for (const auto& token : rdata) {
      auto string = decode_escapes(token.raw);
      if (!string) return Error{"bad escape in a string"};
      if (string->size() > kStringOctets) return Error{"string longer than 255 octets"};
      octets += 1 + string->size();
      text.strings.push_back(std::move(*string));
    }
    if (octets > kRdataOctets) return Error{"TXT record longer than 65535 octets"};
    return RecordData(std::move(text));
  }

  static Result<RecordData> read_authority(Tokens rdata) {
    if (rdata.size() != 7) return Error{"SOA needs two names and five numbers"};
    if (!parse_number(rdata[2].raw)) return Error{"SOA serial is not a number"};
    for (const auto& token : rdata.subspan(3)) {
      if (!parse_ttl(token.raw)) return Error{fmt::format("\"{}\" is not a TTL", shown(token))};
    }
    return RecordData(Authority{*parse_ttl(rdata[6].raw)});
  }

  Result<DnsName> read_name(const MasterToken& token) const {
    if (token.raw == "@" && !token.quoted) return origin_;
    std::string text;
    bool absolute = false;
    for (std::string_view raw = token.raw; !raw.empty();) {
      absolute = raw.front() == '.';
      const bool separator = absolute;
      const auto octet = take_octet(raw);
      if (!octet) return Error{fmt::format("bad escape in the name \"{}\"", shown(token))};
      // DnsName has no way to write a dot inside a label, and taking it for a separator would
      // make another name of it.
      if (*octet == '.' && !separator)
        return Error{fmt::format("dot inside a label of the name \"{}\"", shown(token))};
      text += *octet;
    }
    if (!absolute && !text.empty() && !origin_.is_root()) text += "." + origin_.text();
    const auto name = DnsName::parse(text);
    if (!name || text.empty()) return Error{fmt::format("\"{}\" is not a name", shown(token))};
    return *name;
  }

  static std::string shown(const MasterToken& token) { return printable(token.raw, 64); }

  const ZoneFile& file_;
  MasterLexer lexer_;
  DnsName origin_ = *DnsName::parse("");
  std::optional<DnsName> owner_;
  std::optional<seconds> default_ttl_;
  seconds last_ttl_ = kDefaultTtl;
  std::vector<MasterRecord> records_;
};

}  // namespace

Result<std::vector<MasterRecord>> parse_master_file(const ZoneFile& file) {
  return MasterFileParser(file).parse();
}

}  // namespace authmilter
