#include "dns/unbound/trust_anchor.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include <authmilter/domain_name.h>

#include "base/ascii.h"
#include "dns/file_text.h"
#include "dns/zone/master_lexer.h"

namespace authmilter {
namespace {

// A root's key has less than a kilobyte; those of a rollover and unbound's remarks a few.
constexpr std::size_t kFileOctets = 256UL * 1024;
// More keys than a zone has, so that a file cannot make each answer costly to validate.
constexpr std::size_t kRecords = 64;

constexpr const char* kAnchorFiles[] = {"/usr/share/dns/root.key", "/usr/share/dns/root.ds",
                                        "/var/lib/unbound/root.key"};

// RFC 4034 section 2.1.1, RFC 5011 section 2.1.
constexpr unsigned kZoneKey = 0x0100;
constexpr unsigned kRevoked = 0x0080;

using Fields = std::vector<std::string>;

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size() || value > most)
    return std::nullopt;
  return value;
}

/// RFC 8624 section 3.1: algorithms that validators must or should know and libunbound does.
bool can_validate(unsigned algorithm) {
  constexpr unsigned kAlgorithms[] = {8, 10, 13, 14, 15, 16};
  return std::find(std::begin(kAlgorithms), std::end(kAlgorithms), algorithm) !=
         std::end(kAlgorithms);
}

std::string joined(const Fields& fields, std::size_t from) {
  std::string text;
  for (std::size_t i = from; i < fields.size(); ++i) text += fields[i];
  return text;
}

std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::vector<std::uint8_t> octets;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool padded = i >= text.size() - padding;
    const auto digit = padded ? 0 : kAlphabet.find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(digit);
    if (i % 4 != 3) continue;
    for (const unsigned shift : {16U, 8U, 0U})
      octets.push_back(static_cast<std::uint8_t>(bits >> shift));
    bits = 0;
  }
  octets.resize(octets.size() - padding);
  return octets;
}

/// Whether a key can be one of its algorithm (RFC 3110, RFC 6605, RFC 8080).
bool is_key(unsigned algorithm, const std::vector<std::uint8_t>& key) {
  constexpr std::size_t kLeastRsaOctets = 1 + 1 + 128;  // exponent and 1024 bits
  switch (algorithm) {
    case 13:
      return key.size() == 64;
    case 14:
      return key.size() == 96;
    case 15:
      return key.size() == 32;
    case 16:
      return key.size() == 57;
    default:
      return key.size() >= kLeastRsaOctets;
  }
}

/// RFC 4034 appendix B.
unsigned key_tag(unsigned flags, unsigned algorithm, const std::vector<std::uint8_t>& key) {
  std::vector<std::uint8_t> rdata = {static_cast<std::uint8_t>(flags >> 8U),
                                     static_cast<std::uint8_t>(flags), 3,
                                     static_cast<std::uint8_t>(algorithm)};
  rdata.insert(rdata.end(), key.begin(), key.end());
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < rdata.size(); ++i)
    sum += i % 2 == 0 ? std::uint32_t{rdata[i]} << 8U : rdata[i];
  return (sum + (sum >> 16U & 0xffffU)) & 0xffffU;
}

/// What unbound and ldns write behind a key: "{id = 20326 (ksk), size = 2048b}", ";;state=2".
std::optional<unsigned> remark(std::string_view comment, std::string_view key) {
  const auto at = comment.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  const auto rest = trim_wsp(comment.substr(at + key.size()));
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
  return number(rest.substr(0, static_cast<std::size_t>(end - rest.begin())), 0xffff);
}

/// Of unbound's states of a key (RFC 5011 section 4.2) these are trusted: valid and missing.
bool is_trusted(std::string_view comment) {
  const auto state = remark(comment, ";state=");
  return !state || *state == 2 || *state == 3;
}

/// The record in libunbound's form; empty when nothing can be validated with it.
Result<std::string> read_ds(const std::string& owner, const Fields& rdata) {
  const auto tag = number(rdata.size() > 0 ? rdata[0] : "", 0xffff);
  const auto algorithm = number(rdata.size() > 1 ? rdata[1] : "", 0xff);
  const auto type = number(rdata.size() > 2 ? rdata[2] : "", 0xff);
  const std::string digest = joined(rdata, 3);
  const bool hex = std::all_of(digest.begin(), digest.end(), [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
  });
  if (!tag || !algorithm || !type || digest.empty() || !hex)
    return Error{"a DS record that is damaged"};
  // RFC 8624 section 3.3; SHA-1 is left to whoever has nothing better.
  const std::size_t octets = *type == 2 ? 32 : *type == 4 ? 48 : 0;
  if (octets == 0 || !can_validate(*algorithm)) return std::string();
  if (digest.size() != 2 * octets)
    return Error{fmt::format("a DS record whose digest has not {} octets", octets)};
  return fmt::format("{} 3600 IN DS {} {} {} {}", owner, *tag, *algorithm, *type, digest);
}

Result<std::string> read_dnskey(const std::string& owner, const Fields& rdata,
                                std::string_view comment) {
  const auto flags = number(rdata.size() > 0 ? rdata[0] : "", 0xffff);
  const auto protocol = number(rdata.size() > 1 ? rdata[1] : "", 0xff);
  const auto algorithm = number(rdata.size() > 2 ? rdata[2] : "", 0xff);
  const std::string text = joined(rdata, 3);
  const auto key = decode_base64(text);
  if (!flags || protocol != 3U || !algorithm || !key)
    return Error{"a DNSKEY record that is damaged"};
  if ((*flags & kZoneKey) == 0 || (*flags & kRevoked) != 0 || !is_trusted(comment) ||
      !can_validate(*algorithm))
    return std::string();
  const auto tag = remark(comment, "{id =");
  if (!is_key(*algorithm, *key) || (tag && *tag != key_tag(*flags, *algorithm, *key)))
    return Error{"a DNSKEY record whose key is damaged"};
  return fmt::format("{} 3600 IN DNSKEY {} 3 {} {}", owner, *flags, *algorithm, text);
}

/// An entry's fields behind TTL and class, from the type on.
Fields without_ttl_and_class(Fields fields) {
  const auto type = std::find_if_not(fields.begin(), fields.end(), [](const std::string& field) {
    return is_digit(field.front()) || equals_ignoring_case(field, "IN");
  });
  fields.erase(fields.begin(), type);
  return fields;
}

/// The comment of the line that begins at `line` (counted from 1).
std::string_view comment_of(const std::vector<std::string_view>& lines, std::size_t line) {
  if (line == 0 || line > lines.size()) return {};
  const auto at = lines[line - 1].find(';');
  return at == std::string_view::npos ? std::string_view() : lines[line - 1].substr(at);
}

/// "." or "example.org."; nothing for a name that no anchor is for.
std::optional<std::string> absolute_name(std::string_view text) {
  if (text == "." || text == "@") return ".";
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto name = DomainName::parse(text);
  if (!name) return std::nullopt;
  return name->text() + ".";
}

}  // namespace

Result<TrustAnchors> parse_trust_anchors(std::string_view text) {
  TrustAnchors anchors;
  bool has_root = false;
  MasterLexer lexer(text);
  const auto lines = split(text, '\n');
  std::string owner = ".";
  for (;;) {
    const auto entry = lexer.next();
    const auto at_line = [](std::size_t line, const std::string& what) {
      return Error{fmt::format("line {}: {}", line, what)};
    };
    if (!entry) return at_line(lexer.line(), entry.error().message);
    if (!*entry) break;
    const MasterEntry& found = **entry;
    Fields fields;
    for (const auto& token : found.tokens) fields.emplace_back(token.raw);
    if (fields.front().starts_with('$')) continue;
    if (!found.leading_blank) {
      const auto name = absolute_name(fields.front());
      if (!name)
        return at_line(found.line,
                       "\"" + printable(fields.front(), 64) + "\" is not the name of a zone");
      owner = *name;
      fields.erase(fields.begin());
    }
    if (std::any_of(fields.begin(), fields.end(), [](const auto& f) { return f.empty(); }))
      return at_line(found.line, "an empty string");
    fields = without_ttl_and_class(std::move(fields));
    if (fields.empty()) return at_line(found.line, "a record without a type");
    const Fields rdata(fields.begin() + 1, fields.end());
    Result<std::string> record = std::string();
    if (equals_ignoring_case(fields.front(), "DS"))
      record = read_ds(owner, rdata);
    else if (equals_ignoring_case(fields.front(), "DNSKEY"))
      record = read_dnskey(owner, rdata, comment_of(lines, found.line));
    if (!record) return at_line(found.line, record.error().message);
    if (record->empty()) continue;
    if (anchors.records.size() == kRecords)
      return at_line(found.line, fmt::format("more than {} anchors", kRecords));
    has_root = has_root || owner == ".";
    anchors.records.push_back(std::move(*record));
  }
  if (!has_root) return Error{"holds no usable DS or DNSKEY record of the root"};
  return anchors;
}

Result<TrustAnchors> read_trust_anchors(const std::string& path) {
  const FileText file = read_small_file(path, kFileOctets);
  if (file.status != FileText::Status::read) return Error{printable(path) + ": " + file.problem};
  auto anchors = parse_trust_anchors(file.text);
  if (!anchors) return Error{printable(path) + ": " + anchors.error().message};
  return anchors;
}

std::string find_trust_anchor_file() {
  for (const char* path : kAnchorFiles) {
    if (access(path, F_OK) == 0) return path;
  }
  return {};
}

}  // namespace authmilter
