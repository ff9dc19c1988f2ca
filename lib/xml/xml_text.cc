#include "xml/xml_text.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/utf8.h"

namespace authmilter {
namespace {

/// Enough of a document to know its encoding: the declaration stands first, and is short.
constexpr std::size_t kDeclarationOctets = 128;
/// The longest name of a tag in a report has 18 octets.
constexpr std::size_t kMostNameOctets = 128;
/// "&#x10ffff" and leading zeros.
constexpr std::size_t kMostReferenceOctets = 12;
/// Handed on at a time.
constexpr std::size_t kPieceOctets = 64 * 1024;
/// Stands for octets that are no character, which becomes U+FFFD as all do that XML has not.
constexpr std::uint32_t kNoCharacter = 0xfffe;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_name_start(char c) { return is_alpha(c) || c == '_' || c == ':' || (c & '\x80') != 0; }
bool is_name(char c) { return is_name_start(c) || is_digit(c) || c == '-' || c == '.'; }

/// Of a text, what is handed on as it is.
bool is_plain(char c) { return (is_printable(c) && c != '<' && c != '&') || c == '\n'; }

/// XML 1.0 section 2.2, Char.
bool is_xml_character(std::uint32_t code) {
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return code < 0xd800 || (code >= 0xe000 && code < 0xfffe) ||
         (code >= 0x10000 && code <= 0x10ffff);
}

/// What `encoding="..."` of an XML declaration says.
std::string declared_encoding(std::string_view octets) {
  if (!octets.starts_with("<?xml")) return "";
  const std::string_view declaration = octets.substr(0, octets.find("?>"));
  const std::size_t at = declaration.find("encoding");
  if (at == std::string_view::npos) return "";
  const std::size_t open = declaration.find_first_of("\"'", at);
  if (open == std::string_view::npos) return "";
  const std::size_t close = declaration.find(declaration[open], open + 1);
  if (close == std::string_view::npos) return "";
  return to_lower(declaration.substr(open + 1, close - open - 1));
}

/// The character that "#38" or "#x26" names.
std::optional<std::uint32_t> numbered_character(std::string_view token) {
  const bool hex = token.starts_with("#x");
  const std::string_view digits = token.substr(hex ? 2 : 1);
  if (digits.empty()) return std::nullopt;
  std::uint32_t code = 0;
  for (const char c : digits) {
    const char small = to_lower(c);
    std::uint32_t digit = 0;
    if (is_digit(c)) {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if (hex && small >= 'a' && small <= 'f') {
      digit = static_cast<std::uint32_t>(small - 'a') + 10;
    } else {
      return std::nullopt;
    }
    code = code * (hex ? 16 : 10) + digit;  // no more than 10 digits, see kMostReferenceOctets
    if (code > 0x10ffff) return 0xffff;
  }
  return code;
}

}  // namespace

Result<std::string_view> XmlText::next() {
  out_.clear();
  while (out_.empty() && error_.empty() && !finished_ && state_ != State::end) {
    if (pending_.empty()) {
      const auto piece = source_.next();
      if (!piece) {
        error_ = piece.error().message;
        break;
      }
      pending_ = *piece;
      finished_ = piece->empty();
    }
    const std::string_view part = pending_.substr(0, kPieceOctets);
    pending_.remove_prefix(part.size());
    decode(part);
    if (finished_ && state_ == State::markup) not_markup();
    if (finished_ && state_ == State::reference) not_reference();
  }
  if (!error_.empty()) return Error{error_};
  return std::string_view(out_);
}

std::size_t XmlText::recognise(std::string_view octets) {
  if (octets.starts_with("\xff\xfe")) {
    encoding_ = Encoding::utf16_little;
    return 2;
  }
  if (octets.starts_with("\xfe\xff")) {
    encoding_ = Encoding::utf16_big;
    return 2;
  }
  const std::size_t mark = octets.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  // XML 1.0 section 2.8: nothing stands before the declaration; some write a line end there.
  const std::size_t start = std::min(octets.find_first_not_of(" \t\r\n", mark), octets.size());
  const std::string encoding = declared_encoding(octets.substr(start));
  const bool latin1 = encoding == "iso-8859-1" || encoding == "windows-1252";
  encoding_ = latin1 ? Encoding::latin1 : Encoding::utf8;
  return start;
}

void XmlText::decode(std::string_view octets) {
  std::string joined;
  if (!undecoded_.empty()) {
    joined = std::exchange(undecoded_, {}).append(octets);
    octets = joined;
  }
  if (encoding_ == Encoding::unknown) {
    if (octets.size() < kDeclarationOctets && !finished_) {
      undecoded_ = octets;
      return;
    }
    octets.remove_prefix(recognise(octets));
  }
  switch (encoding_) {
    case Encoding::unknown:
      return;
    case Encoding::utf8:
      return decode_utf8(octets);
    case Encoding::latin1:
      for (const char c : octets) {
        if (over()) return;
        character(static_cast<unsigned char>(c));
      }
      return;
    case Encoding::utf16_little:
    case Encoding::utf16_big:
      return decode_utf16(octets);
  }
}

void XmlText::decode_utf8(std::string_view octets) {
  while (!octets.empty() && !over()) {
    if (state_ == State::text) {
      const auto run = static_cast<std::size_t>(
          std::find_if_not(octets.begin(), octets.end(), is_plain) - octets.begin());
      out_ += octets.substr(0, run);
      octets.remove_prefix(run);
      if (octets.empty()) return;
    }
    if (is_printable(octets.front())) {
      put(octets.front());
      octets.remove_prefix(1);
      continue;
    }
    const Utf8Character next = first_utf8_character(octets);
    if (next.cut && !finished_) {
      undecoded_ = octets;
      return;
    }
    character(next.octets == 0 ? kNoCharacter : next.code);
    octets.remove_prefix(std::max<std::size_t>(next.octets, 1));
  }
}

void XmlText::decode_utf16(std::string_view octets) {
  const std::size_t high_octet = encoding_ == Encoding::utf16_big ? 0 : 1;
  for (; octets.size() >= 2 && !over(); octets.remove_prefix(2)) {
    const std::uint32_t high = static_cast<unsigned char>(octets[high_octet]);
    const std::uint32_t low = static_cast<unsigned char>(octets[1 - high_octet]);
    const std::uint32_t unit = high << 8U | low;
    if (unit >= 0xd800 && unit < 0xdc00) {
      high_surrogate_ = unit;
    } else if (unit >= 0xdc00 && unit < 0xe000 && high_surrogate_ != 0) {
      character(0x10000 + ((high_surrogate_ - 0xd800) << 10U) + (unit - 0xdc00));
      high_surrogate_ = 0;
    } else {
      character(unit);
    }
  }
  if (!over()) undecoded_ = octets;
}

void XmlText::character(std::uint32_t code) {
  if (!is_xml_character(code)) {
    mended_ = true;
    if (code < 0x20) return put(' ');
    code = 0xfffd;
  }
  if (code < 0x80) return put(static_cast<char>(code));
  std::string octets;
  append_utf8(octets, code);
  for (const char c : octets) put(c);
}

void XmlText::refuse(std::string_view reason) {
  if (error_.empty()) error_ = reason;
}

void XmlText::put(char c) {
  switch (state_) {
    case State::text:
      return in_text(c);
    case State::markup:
      return in_markup(c);
    case State::reference:
      return in_reference(c);
    case State::tag:
    case State::quoted:
      return in_tag(c);
    case State::comment:
    case State::cdata:
    case State::instruction: {
      const char end = state_ == State::comment ? '-' : state_ == State::cdata ? ']' : '?';
      const bool over = c == '>' && last_ == end && (end == '?' || before_last_ == end);
      before_last_ = last_;
      last_ = c;
      out_ += c;
      if (over) state_ = State::text;
      return;
    }
    case State::end:
      return;
  }
}

void XmlText::begin_token(State state, char c) {
  before_ = state_;
  state_ = state;
  token_.assign(1, c);
}

void XmlText::in_text(char c) {
  if (c == '<') return begin_token(State::markup, c);
  if (c == '&') return begin_token(State::reference, c);
  // Outside of the root there is nothing but blanks; libxml2 says so.
  out_ += c;
}

void XmlText::not_markup() {
  mended_ = true;
  state_ = State::text;
  out_ += "&lt;";
  const std::string rest = std::exchange(token_, {}).substr(1);
  for (const char c : rest) put(c);
}

void XmlText::in_markup(char c) {
  const std::string_view behind = std::string_view(token_).substr(1);
  const char first = behind.empty() ? c : behind.front();
  if (first == '!') {
    token_ += c;
    const std::string_view so_far = token_;
    if (so_far == "<!--" || so_far == "<![CDATA[") {
      state_ = so_far == "<!--" ? State::comment : State::cdata;
      last_ = before_last_ = 0;
      out_ += std::exchange(token_, {});
    } else if (!std::string_view("<!--").starts_with(so_far) &&
               !std::string_view("<![CDATA[").starts_with(so_far)) {
      refuse("it has a document type (DTD)");
    }
    return;
  }
  if (first == '?') {
    state_ = State::instruction;
    last_ = before_last_ = 0;
    out_ += std::exchange(token_, {});
    out_ += c;
    return;
  }
  if (behind.empty() && (c == '/' || is_name_start(c))) {
    token_ += c;
    return;
  }
  const bool closing = first == '/';
  if (!behind.empty() && is_name(c) && (behind != "/" || is_name_start(c))) {
    token_ += c;
    if (token_.size() > kMostNameOctets) refuse("a name in it is too long");
    return;
  }
  // The name is over. Only what may stand behind the name of a tag makes it one.
  const bool named = behind.size() > (closing ? 1U : 0U);
  if (!named || !(is_fws(c) || c == '>' || (c == '/' && !closing))) {
    not_markup();
    return put(c);
  }
  state_ = State::tag;
  closing_ = closing;
  tag_octets_ = token_.size();
  last_ = 0;
  out_ += std::exchange(token_, {});
  in_tag(c);
}

void XmlText::in_tag(char c) {
  if (++tag_octets_ > kMostTagOctets) return refuse("a tag in it is too long");
  if (state_ == State::quoted) {
    if (c == '&') return begin_token(State::reference, c);
    if (c == quote_) state_ = State::tag;
    out_ += c;
    last_ = c;
    return;
  }
  out_ += c;
  if (c == '"' || c == '\'') {
    state_ = State::quoted;
    quote_ = c;
  } else if (c == '>') {
    end_of_tag();
  }
  last_ = c;
}

void XmlText::end_of_tag() {
  state_ = State::text;
  if (closing_) {
    if (depth_ > 0) --depth_;
    if (depth_ == 0) state_ = State::end;
  } else if (last_ == '/') {
    if (depth_ == 0) state_ = State::end;
  } else if (++depth_ > kMostDepth) {
    refuse("its elements are nested too deeply");
  }
}

void XmlText::not_reference() {
  mended_ = true;
  state_ = before_;
  out_ += "&amp;";
  const std::string rest = std::exchange(token_, {}).substr(1);
  for (const char c : rest) put(c);
}

void XmlText::in_reference(char c) {
  if (c != ';') {
    if (!is_alnum(c) && c != '#') {
      not_reference();
      return put(c);
    }
    token_ += c;
    if (token_.size() > kMostReferenceOctets) not_reference();
    return;
  }
  const std::string_view name = std::string_view(token_).substr(1);
  if (name == "lt" || name == "gt" || name == "amp" || name == "quot" || name == "apos") {
    state_ = before_;
    out_ += std::exchange(token_, {}) + ';';
    return;
  }
  const auto code = name.starts_with('#') ? numbered_character(name) : std::nullopt;
  if (!code) {
    not_reference();
    return put(c);
  }
  state_ = before_;
  if (is_xml_character(*code)) {
    out_ += std::exchange(token_, {}) + ';';
  } else {
    mended_ = true;
    token_.clear();
    out_ += kReplacementCharacter;
  }
}

}  // namespace authmilter
