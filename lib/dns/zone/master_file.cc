#include "dns/zone/master_file.h"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>

#include "base/ascii.h"
#include "dns/zone/master_fields.h"
#include "dns/zone/master_lexer.h"

namespace authmilter {
namespace {

using std::chrono::seconds;

constexpr seconds kDefaultTtl{3600};  // where neither $TTL nor a record gives one

// Types that exist for others; a word that is in neither list is a mistake in the file.
constexpr std::string_view kOtherTypes[] = {
    "AFSDB", "APL",        "AVC",   "CDNSKEY", "CDS",   "CERT", "CSYNC", "DHCID",      "DLV",
    "DNAME", "EUI48",      "EUI64", "GPOS",    "HINFO", "HIP",  "HTTPS", "IPSECKEY",   "ISDN",
    "KEY",   "KX",         "L32",   "L64",     "LOC",   "LP",   "MB",    "MD",         "MF",
    "MG",    "MINFO",      "MR",    "NAPTR",   "NID",   "NSEC", "NSEC3", "NSEC3PARAM", "NULL",
    "NXT",   "OPENPGPKEY", "PX",    "RP",      "RRSIG", "RT",   "SIG",   "SMIMEA",     "SPF",
    "SSHFP", "SVCB",       "TA",    "TKEY",    "TSIG",  "URI",  "WKS",   "X25",        "ZONEMD"};

bool is_class_in(std::string_view word) {
  return equals_ignoring_case(word, "IN") || equals_ignoring_case(word, "CLASS1");
}

bool is_other_class(std::string_view word) {
  constexpr std::array<std::string_view, 4> kNames = {"CH", "CS", "HS", "NONE"};
  if (starts_with_ignoring_case(word, "CLASS") && parse_master_number(word.substr(5))) return true;
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view name) { return equals_ignoring_case(word, name); });
}

bool is_other_type(std::string_view word) {
  // RFC 3597 section 5: TYPEnnn names any type.
  if (starts_with_ignoring_case(word, "TYPE"))
    return parse_master_number(word.substr(4)).has_value();
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
      const auto origin = read_master_name(entry.tokens[1], origin_);
      if (!origin) return origin.error();
      origin_ = *origin;
      return Done{};
    }
    if (entry.tokens.size() == 2 && equals_ignoring_case(word, "$TTL")) {
      default_ttl_ = parse_master_ttl(entry.tokens[1].raw);
      if (!default_ttl_) return Error{fmt::format("\"{}\" is not a TTL", shown(entry.tokens[1]))};
      return Done{};
    }
    return Error{fmt::format("directive \"{}\" is not understood", shown(entry.tokens.front()))};
  }

  Status read_record(const MasterEntry& entry) {
    Tokens rest(entry.tokens);
    if (!entry.leading_blank) {
      const auto owner = read_master_name(rest.front(), origin_);
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
        ttl = parse_master_ttl(word);
        if (!ttl) return Error{fmt::format("\"{}\" is not a TTL", shown(rest.front()))};
      } else {
        break;
      }
    }
    if (rest.empty()) return Error{"record without a type"};

    auto data = read_data(rest.front(), rest.subspan(1));
    if (!data) return data.error();
    if (ttl) last_ttl_ = *ttl;
    const seconds kept = ttl ? *ttl : default_ttl_.value_or(last_ttl_);
    records_.push_back({*owner_, kept, std::move(*data), entry.line});
    return Done{};
  }

  /// Nothing for a type that nobody asks for.
  Result<std::optional<MasterFields>> read_data(const MasterToken& type, Tokens rdata) const {
    if (const RecordType* known = find_record_type(type.raw)) {
      auto fields = read_master_fields(*known, rdata, origin_);
      if (!fields) return fields.error();
      return std::optional(std::move(*fields));
    }
    if (is_other_type(type.raw)) return std::optional<MasterFields>();
    return Error{fmt::format("unknown type \"{}\"", shown(type))};
  }

  const ZoneFile& file_;
  MasterLexer lexer_;
  DnsName origin_;
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
