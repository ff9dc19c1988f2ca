#include "spf/macro.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/ascii.h"

namespace authmilter::spf {
namespace {

constexpr std::size_t kNameOctets = 253;  // RFC 7208 section 7.3
// RFC 7208 section 7.3 asks for parts up to 128; three digits hold that, four hold an overflow.
constexpr std::size_t kKeepDigits = 3;

constexpr std::string_view kDomainSpecLetters = "slodiphv";
// RFC 7208 section 7.2: c, r and t are for explanations only.
constexpr std::string_view kExplanationLetters = "slodiphvcrt";
constexpr std::string_view kDelimiters = ".-+,/_=";

// RFC 7208 section 7.1: macro-literal = %x21-24 / %x26-7E.
bool is_macro_literal(char c) { return is_visible(c) && c != '%'; }

bool is_label_octet(char c) { return is_alnum(c) || c == '-'; }

/// RFC 7208 section 7.1: toplabel. Not all digits, so that a:192.0.2.1 is caught.
bool is_toplabel(std::string_view label) {
  return !label.empty() && is_alnum(label.front()) && is_alnum(label.back()) &&
         std::all_of(label.begin(), label.end(), is_label_octet) &&
         !std::all_of(label.begin(), label.end(), is_digit);
}

/// RFC 7208 section 7.1: domain-end without a macro, `tail` being what follows the last macro.
bool ends_in_toplabel(std::string_view tail) {
  if (tail.ends_with('.')) tail.remove_suffix(1);
  const std::size_t dot = tail.rfind('.');
  return dot != std::string_view::npos && is_toplabel(tail.substr(dot + 1));
}

std::string url_escape(std::string_view value) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : value) {
    // RFC 7208 section 7.3: all but the unreserved set of RFC 3986.
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[octet >> 4U];
    out += kHex[octet & 15U];
  }
  return out;
}

/// RFC 7208 section 7.3: split, reverse, keep the right-hand parts, join with dots.
std::string transform(const MacroString::Piece& macro, std::string_view value) {
  std::string_view delimiters = macro.delimiters;
  if (delimiters.empty()) delimiters = ".";
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = value.find_first_of(delimiters);
    parts.push_back(value.substr(0, at));
    if (at == std::string_view::npos) break;
    value.remove_prefix(at + 1);
  }
  if (macro.reverse) std::reverse(parts.begin(), parts.end());
  const std::size_t skip =
      macro.keep != 0 && macro.keep < parts.size() ? parts.size() - macro.keep : 0;
  std::string out;
  for (std::size_t i = skip; i < parts.size(); ++i) {
    if (i != skip) out += '.';
    out += parts[i];
  }
  return out;
}

/// RFC 7208 section 7.3: dotted quad, or one nibble a label. Upper case as in RFC 7208 section 7.4
/// would do either way; this is what the published test suite has.
std::string dotted(const IpAddress& address) {
  if (address.is_v4()) return address.text();
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const std::uint8_t octet : address.octets()) {
    if (!out.empty()) out += '.';
    out += kHex[octet >> 4U];
    out += '.';
    out += kHex[octet & 15U];
  }
  return out;
}

std::string value_of(char letter, const MacroValues& values) {
  switch (letter) {  // RFC 7208 section 7.2
    case 's':
      return std::string(values.local_part) + '@' + values.sender_domain.text();
    case 'l':
      return std::string(values.local_part);
    case 'o':
      return values.sender_domain.text();
    case 'd':
      return values.domain.text();
    case 'i':
      return dotted(values.client);
    case 'p':
      return values.validated_name();
    case 'v':
      return values.client.is_v4() ? "in-addr" : "ip6";
    case 'h':
      return std::string(values.helo);
    case 'c':
      return values.client.text();
    case 'r':
      return std::string(values.receiver);
    case 't':
      return std::to_string(values.now);
    default:
      return {};  // the parser lets no other letter in
  }
}

}  // namespace

/// Reads one macro-string (RFC 7208 section 7.1) from left to right.
class MacroParser {
 public:
  MacroParser(std::string_view text, std::string_view letters, bool (*is_literal)(char))
      : rest_(text), letters_(letters), is_literal_(is_literal) {}

  std::optional<MacroString> parse() {
    tail_ = rest_;
    while (!rest_.empty()) {
      if (rest_.front() != '%') {
        const std::string_view literal = rest_.substr(0, rest_.find('%'));
        if (!std::all_of(literal.begin(), literal.end(), is_literal_)) return std::nullopt;
        add_literal(literal);
        rest_.remove_prefix(literal.size());
        continue;
      }
      if (!macro_expand()) return std::nullopt;
      tail_ = rest_;
    }
    return std::move(text_);
  }
  /// What followed the last macro-expand.
  std::string_view tail() const { return tail_; }

 private:
  void add_literal(std::string_view literal) {
    auto& pieces = text_.pieces_;
    if (pieces.empty() || pieces.back().letter != 0) pieces.emplace_back();
    pieces.back().literal += literal;
  }

  bool macro_expand() {
    rest_.remove_prefix(1);
    if (rest_.empty()) return false;
    const char kind = rest_.front();
    rest_.remove_prefix(1);
    switch (kind) {
      case '%':
        add_literal("%");
        return true;
      case '_':
        add_literal(" ");
        return true;
      case '-':
        add_literal("%20");
        return true;
      case '{':
        return macro();
      default:
        return false;
    }
  }

  /// macro-letter transformers *delimiter "}"
  bool macro() {
    const std::size_t end = rest_.find('}');
    if (end == std::string_view::npos || end == 0) return false;
    std::string_view body = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);

    MacroString::Piece piece;
    piece.letter = to_lower(body.front());
    piece.escape = is_upper(body.front());
    if (letters_.find(piece.letter) == std::string_view::npos) return false;
    body.remove_prefix(1);

    const auto digits = static_cast<std::size_t>(
        std::find_if_not(body.begin(), body.end(), is_digit) - body.begin());
    if (digits > kKeepDigits) return false;
    if (digits > 0) {
      std::from_chars(body.data(), body.data() + digits, piece.keep);
      if (piece.keep == 0) return false;  // RFC 7208 section 7.3: the digit must not be 0
      body.remove_prefix(digits);
    }
    if (!body.empty() && to_lower(body.front()) == 'r') {
      piece.reverse = true;
      body.remove_prefix(1);
    }
    if (body.find_first_not_of(kDelimiters) != std::string_view::npos) return false;
    piece.delimiters = body;
    text_.pieces_.push_back(std::move(piece));
    return true;
  }

  std::string_view rest_;
  std::string_view tail_;
  std::string_view letters_;
  bool (*is_literal_)(char);
  MacroString text_;
};

bool MacroString::uses_local_part() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& piece) { return piece.letter == 'l' || piece.letter == 's'; });
}

std::optional<MacroString> parse_domain_spec(std::string_view text) {
  if (text.empty()) return std::nullopt;
  MacroParser parser(text, kDomainSpecLetters, is_macro_literal);
  auto spec = parser.parse();
  if (!spec) return std::nullopt;
  // RFC 7208 section 7.1: domain-end = ( "." toplabel [ "." ] ) / macro-expand.
  if (!parser.tail().empty() && !ends_in_toplabel(parser.tail())) return std::nullopt;
  return spec;
}

std::optional<MacroString> parse_modifier_value(std::string_view text) {
  return MacroParser(text, kExplanationLetters, is_macro_literal).parse();
}

std::optional<MacroString> parse_explanation(std::string_view text) {
  return MacroParser(text, kExplanationLetters,
                     [](char c) { return c == ' ' || is_macro_literal(c); })
      .parse();
}

std::string expand(const MacroString& text, const MacroValues& values) {
  std::string out;
  for (const MacroString::Piece& piece : text.pieces()) {
    if (piece.letter == 0) {
      out += piece.literal;
      continue;
    }
    std::string value = value_of(piece.letter, values);
    if (piece.transforms()) value = transform(piece, value);
    out += piece.escape ? url_escape(value) : value;
  }
  return out;
}

std::optional<DnsName> target_name(std::string_view expanded) {
  // A name with blanks is asked for; one with control characters or octets beyond ASCII, which can
  // only come from HELO, is nothing that a policy's author meant.
  if (!std::all_of(expanded.begin(), expanded.end(), is_printable)) return std::nullopt;
  if (expanded.ends_with('.')) expanded.remove_suffix(1);
  while (expanded.size() > kNameOctets) {
    const std::size_t dot = expanded.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    expanded.remove_prefix(dot + 1);
  }
  // What DnsName reads as the root, or with a dot too many.
  if (expanded.empty() || expanded.ends_with('.')) return std::nullopt;
  return DnsName::parse(expanded);
}

}  // namespace authmilter::spf
