#include "message/decoded.h"

#include <array>
#include <cstdint>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr auto npos = std::string_view::npos;

/// `=?charset?encoding?text?=`. Readers are lax about the text, so whatever stands before the next
/// `?=` is taken for it.
struct EncodedWord {
  std::string_view charset;
  char encoding;
  std::string_view text;
  std::size_t size;  // of all
};

std::optional<EncodedWord> encoded_word(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  const std::size_t charset_end = text.find('?', 2);
  if (charset_end == npos || charset_end + 3 > text.size() || text[charset_end + 2] != '?')
    return std::nullopt;
  const char encoding = to_lower(text[charset_end + 1]);
  if (encoding != 'q' && encoding != 'b') return std::nullopt;
  const std::size_t start = charset_end + 3;
  const std::size_t end = text.find("?=", start);
  if (end == npos) return std::nullopt;
  return EncodedWord{text.substr(2, charset_end - 2), encoding, text.substr(start, end - start),
                     end + 2};
}

/// Charsets whose octets below 0x80 are ASCII and nothing else is. RFC 2231 section 5: a language
/// may follow behind a `*`.
bool is_like_ascii(std::string_view charset) {
  charset = charset.substr(0, charset.find('*'));
  for (const std::string_view name : {"us-ascii", "utf-8", "utf8"}) {
    if (equals_ignoring_case(charset, name)) return true;
  }
  for (const std::string_view start : {"iso-8859-", "windows-125"}) {
    if (starts_with_ignoring_case(charset, start)) return true;
  }
  return false;
}

std::optional<unsigned> hex_value(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = to_lower(c);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

/// RFC 2047 section 4.2; what is not a code stands for itself.
std::string decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto high = text[i] == '=' && i + 2 < text.size() ? hex_value(text[i + 1]) : std::nullopt;
    const auto low = high ? hex_value(text[i + 2]) : std::nullopt;
    if (low) {
      out += static_cast<char>(*high * 16 + *low);
      i += 2;
    } else {
      out += text[i] == '_' ? ' ' : text[i];
    }
  }
  return out;
}

/// RFC 2045 section 6.8: characters that are none of the alphabet are passed over.
std::string decode_b(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == npos) continue;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> count) & 0xffU);
  }
  return out;
}

/// What some reader or other ends a line at: ASCII controls, NEL, LINE and PARAGRAPH SEPARATOR.
bool may_end_line(std::string_view text, std::string_view charset) {
  for (const char c : text) {
    if ((c >= '\0' && c < ' ' && c != '\t') || c == '\x7f') return true;
  }
  const bool utf8 = starts_with_ignoring_case(charset, "utf");
  if (!utf8) return text.find('\x85') != npos;
  for (const std::string_view separator : {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"}) {
    if (text.find(separator) != npos) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> decoded_value(std::string_view value) {
  if (value.find("=?") == npos) return std::string(value);  // nearly all
  std::string out;
  std::size_t behind_word = npos;  // the size of `out` where the last word ended
  const std::size_t last_end = value.rfind("?=");
  const std::size_t no_words_in = last_end == npos ? value.size() : value.size() - last_end;
  while (!value.empty()) {
    const auto word = value.size() > no_words_in ? encoded_word(value) : std::nullopt;
    if (!word) {
      out += value.front();
      value.remove_prefix(1);
      continue;
    }
    const std::string text = word->encoding == 'q' ? decode_q(word->text) : decode_b(word->text);
    if (!is_like_ascii(word->charset) || may_end_line(text, word->charset)) return std::nullopt;
    // RFC 2047 section 6.2: blanks between two words are no part of the text.
    if (behind_word != npos && trim_fws(std::string_view(out).substr(behind_word)).empty())
      out.resize(behind_word);
    out += text;
    behind_word = out.size();
    value.remove_prefix(word->size);
  }
  return out;
}

}  // namespace authmilter
