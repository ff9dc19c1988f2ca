#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter {

// Character classes of the RFCs. Never the C library's: those depend on the locale, and a Turkish
// one makes two different names of DKIM-SIGNATURE.

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_alpha(char c) { return is_upper(c) || is_lower(c); }
constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
constexpr bool is_wsp(char c) { return c == ' ' || c == '\t'; }
/// WSP, or the CR and LF of a fold.
constexpr bool is_fws(char c) { return is_wsp(c) || c == '\r' || c == '\n'; }
/// VCHAR of RFC 5234.
constexpr bool is_visible(char c) { return c > ' ' && c < '\x7f'; }
constexpr bool is_printable(char c) { return c >= ' ' && c < '\x7f'; }
constexpr char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }

inline std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return to_lower(c); });
  return out;
}

inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

inline bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

/// Without the characters of `Class` at both ends.
template <bool (*Class)(char)>
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && Class(text.front())) text.remove_prefix(1);
  while (!text.empty() && Class(text.back())) text.remove_suffix(1);
  return text;
}
constexpr std::string_view trim_wsp(std::string_view text) { return trim<is_wsp>(text); }
constexpr std::string_view trim_fws(std::string_view text) { return trim<is_fws>(text); }

/// The pieces between separators; one piece more than there are separators.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t at = text.find(separator);
    pieces.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + 1);
  }
}

/// For logs, replies and explanations: octets outside printable ASCII, and the backslash, become
/// `\xNN`; what is longer than `limit` is cut and ends in "...".
inline std::string printable(std::string_view text, std::size_t limit = 256) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    if (out.size() >= limit) return out + "...";
    if (is_printable(c) && c != '\\') {
      out += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out += "\\x";
    out += kHex[octet >> 4U];
    out += kHex[octet & 15U];
  }
  return out;
}

}  // namespace authmilter
