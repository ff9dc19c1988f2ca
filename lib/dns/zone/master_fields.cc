#include "dns/zone/master_fields.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/ascii.h"
#include "dns/rdata.h"

namespace authmilter {
namespace {

using std::chrono::seconds;
using Octets = std::vector<std::uint8_t>;

constexpr std::uint32_t kMaximumTtl = 0x7fffffff;  // RFC 2181 section 8
constexpr std::size_t kStringOctets = 255;         // RFC 1035 section 3.3
constexpr std::size_t kRdataOctets = 65535;        // RDLENGTH has 16 bits

// RFC 4034 appendix A.1 and its successors: an algorithm is a number or one of these.
struct AlgorithmName {
  std::string_view name;
  std::uint8_t number;
};
constexpr AlgorithmName kAlgorithms[] = {{"RSAMD5", 1},
                                         {"DH", 2},
                                         {"DSA", 3},
                                         {"RSASHA1", 5},
                                         {"DSA-NSEC3-SHA1", 6},
                                         {"RSASHA1-NSEC3-SHA1", 7},
                                         {"RSASHA256", 8},
                                         {"RSASHA512", 10},
                                         {"ECC-GOST", 12},
                                         {"ECDSAP256SHA256", 13},
                                         {"ECDSAP384SHA384", 14},
                                         {"ED25519", 15},
                                         {"ED448", 16}};

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

/// Digits of `bits` each, padding taken off; nothing for another character or a digit left over.
std::optional<Octets> decode_digits(std::string_view text, std::string_view alphabet,
                                    unsigned bits) {
  Octets octets;
  std::uint32_t buffer = 0;
  unsigned filled = 0;
  for (const char c : text) {
    const auto digit = alphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    buffer = (buffer << bits) | static_cast<std::uint32_t>(digit);
    filled += bits;
    if (filled < 8) continue;
    filled -= 8;
    octets.push_back(static_cast<std::uint8_t>(buffer >> filled));
    buffer &= (1U << filled) - 1;
  }
  // What base64 has left over is shorter than a digit; a half octet of hexadecimal is not.
  return filled < bits ? std::optional(std::move(octets)) : std::nullopt;
}

std::optional<Octets> decode_hexadecimal(std::string_view text) {
  return decode_digits(to_lower(text), "0123456789abcdef", 4);
}

std::optional<Octets> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode_digits(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6);
}

/// Takes the fields off the words, one after the other. The first mistake counts; after it the
/// fields are empty.
class FieldReader {
 public:
  FieldReader(const RecordType& type, std::span<const MasterToken> tokens, const DnsName& origin)
      : type_(type), tokens_(tokens), origin_(origin) {}

  template <class Number>
  void number(Number& value, std::string_view what) {
    const auto* token = next();
    if (token == nullptr) return;
    const auto read = parse_master_number(token->raw);
    if (!read || *read > std::numeric_limits<Number>::max()) return fail(*token, what);
    value = static_cast<Number>(*read);
  }
  void algorithm(std::uint8_t& value) {
    const auto* const named =
        tokens_.empty()
            ? std::end(kAlgorithms)
            : std::find_if(std::begin(kAlgorithms), std::end(kAlgorithms),
                           [&](const AlgorithmName& known) {
                             return equals_ignoring_case(known.name, tokens_.front().raw);
                           });
    if (named == std::end(kAlgorithms)) return number(value, "an algorithm");
    value = named->number;
    next();
  }
  void seconds(std::uint32_t& value) {
    const auto* token = next();
    if (token == nullptr) return;
    const auto ttl = parse_master_ttl(token->raw);
    if (!ttl) return fail(*token, "a TTL");
    value = static_cast<std::uint32_t>(ttl->count());
  }

  void name(DnsName& name) {
    const auto* token = next();
    if (token == nullptr) return;
    auto read = read_master_name(*token, origin_);
    if (!read) return fail(read.error());
    name = std::move(*read);
  }
  void mailbox() { next(); }

  void v4(IpAddress& address) { read_address(address, IpAddress::Family::v4); }
  void v6(IpAddress& address) { read_address(address, IpAddress::Family::v6); }

  void strings(std::string& text) {
    std::size_t octets = tokens_.size();
    do {
      const std::string one = string();
      lengths_.push_back(one.size());
      text += one;
    } while (!tokens_.empty());
    octets += text.size();
    if (octets > kRdataOctets) fail(Error{"TXT record longer than 65535 octets"});
  }
  void tag(std::string& text) { text = string(); }
  void rest(std::string& text) { text = string(); }

  void hexadecimal(Octets& octets) { read_octets(octets, decode_hexadecimal, "hexadecimal"); }
  void base64(Octets& octets) { read_octets(octets, decode_base64, "base64"); }

  std::vector<std::size_t> lengths() && { return std::move(lengths_); }

  std::optional<Error> failure() const {
    if (short_ || !tokens_.empty())
      return Error{fmt::format("{} needs {}", type_.name, type_.needs)};
    return failure_;
  }

 private:
  const MasterToken* next() {
    if (tokens_.empty()) {
      short_ = true;
      return nullptr;
    }
    const MasterToken* token = &tokens_.front();
    tokens_ = tokens_.subspan(1);
    return token;
  }

  void fail(Error error) {
    if (!failure_) failure_ = std::move(error);
  }
  void fail(const MasterToken& token, std::string_view what) {
    fail(Error{fmt::format("\"{}\" is not {}", shown(token), what)});
  }

  std::string string() {
    const auto* token = next();
    if (token == nullptr) return {};
    auto decoded = decode_escapes(token->raw);
    if (!decoded) fail(Error{"bad escape in a string"});
    if (!decoded) return {};
    if (decoded->size() > kStringOctets) fail(Error{"string longer than 255 octets"});
    return std::move(*decoded);
  }

  void read_address(IpAddress& address, IpAddress::Family family) {
    const auto* token = next();
    if (token == nullptr) return;
    const auto read = IpAddress::parse(token->raw);
    // A colon decides, because an IPv4-mapped address in an AAAA record reads as IPv4.
    const bool has_colon = token->raw.find(':') != std::string_view::npos;
    if (!read || has_colon != (family == IpAddress::Family::v6))
      return fail(*token, fmt::format("an address for {}", type_.name));
    address = *read;
  }

  /// To the end of the entry; blanks may stand anywhere in it.
  template <class Decode>
  void read_octets(Octets& octets, Decode decode, std::string_view what) {
    std::string digits;
    do {
      const auto* token = next();
      if (token != nullptr) digits += token->raw;
    } while (!tokens_.empty());
    auto read = decode(digits);
    if (!read || digits.size() > kRdataOctets) return fail({digits, false}, what);
    octets = std::move(*read);
  }

  const RecordType& type_;
  std::span<const MasterToken> tokens_;
  const DnsName& origin_;
  std::vector<std::size_t> lengths_;
  bool short_ = false;
  std::optional<Error> failure_;
};

/// Of the strings in the data of a TXT record, which has been read before.
std::vector<std::size_t> lengths_of_strings(const Octets& octets) {
  std::vector<std::size_t> lengths;
  for (std::size_t at = 0; at < octets.size(); at += 1 + octets[at]) lengths.push_back(octets[at]);
  return lengths;
}

Result<MasterFields> read_generic(const RecordType& type, std::span<const MasterToken> tokens) {
  const Error failure{fmt::format("{} after \\# needs a length and that many octets", type.name)};
  if (tokens.size() < 2) return failure;
  const auto length = parse_master_number(tokens[1].raw);
  std::string digits;
  for (const MasterToken& token : tokens.subspan(2)) digits += token.raw;
  const auto octets = decode_hexadecimal(digits);
  if (!octets || !length || octets->size() != *length || *length > kRdataOctets) return failure;
  auto rdata = read_rdata(type.type, WireReader(*octets));
  if (!rdata.record) return failure;
  MasterFields fields{std::move(*rdata.record), {}};
  if (type.type == RrType::txt) fields.lengths = lengths_of_strings(*octets);
  return fields;
}

}  // namespace

Result<MasterFields> read_master_fields(const RecordType& type, std::span<const MasterToken> tokens,
                                        const DnsName& origin) {
  if (!tokens.empty() && tokens.front().raw == "\\#" && !tokens.front().quoted)
    return read_generic(type, tokens);
  FieldReader reader(type, tokens, origin);
  auto record = read_fields(type.type, reader);
  if (const auto failure = reader.failure()) return *failure;
  return MasterFields{std::move(*record), std::move(reader).lengths()};
}

Result<DnsName> read_master_name(const MasterToken& token, const DnsName& origin) {
  if (token.raw == "@" && !token.quoted) return origin;
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
  if (!absolute && !text.empty() && !origin.is_root()) text += "." + origin.text();
  const auto name = DnsName::parse(text);
  if (!name || text.empty()) return Error{fmt::format("\"{}\" is not a name", shown(token))};
  return *name;
}

std::optional<std::uint32_t> parse_master_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<seconds> parse_master_ttl(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  while (!text.empty()) {
    const auto digits = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
    const auto value = parse_master_number(text.substr(0, digits));
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

std::string shown(const MasterToken& token) { return printable(token.raw, 64); }

}  // namespace authmilter
