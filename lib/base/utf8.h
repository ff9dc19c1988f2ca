#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace authmilter {

/// One character of a text, or one octet that begins none.
struct Utf8Character {
  std::uint32_t code = 0;
  std::size_t octets = 0;  // 0: none is valid here
  bool cut = false;        // not valid, but for the end of the text it might have been
};

/// The character that a text begins with (RFC 3629 section 4: neither overlong forms nor
/// surrogates). The text is not empty.
inline Utf8Character first_utf8_character(std::string_view text) {
  const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = octet(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return {};
  std::uint32_t code = first & (0xffU >> (size + 1));
  for (std::size_t at = 1; at < size; ++at) {
    if (at == text.size()) return {0, 0, true};
    const unsigned char next = octet(at);
    unsigned char least = 0x80;
    unsigned char most = 0xbf;
    if (at == 1 && first == 0xe0) least = 0xa0;
    if (at == 1 && first == 0xed) most = 0x9f;
    if (at == 1 && first == 0xf0) least = 0x90;
    if (at == 1 && first == 0xf4) most = 0x8f;
    if (next < least || next > most) return {};
    code = code << 6U | (next & 0x3fU);
  }
  return {code, size};
}

/// U+FFFD, which stands for what is none.
constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

inline void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t octet) { out += static_cast<char>(octet); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0U | code >> 6U);
    put(0x80U | (code & 0x3fU));
  } else if (code < 0x10000) {
    put(0xe0U | code >> 12U);
    put(0x80U | (code >> 6U & 0x3fU));
    put(0x80U | (code & 0x3fU));
  } else {
    put(0xf0U | code >> 18U);
    put(0x80U | (code >> 12U & 0x3fU));
    put(0x80U | (code >> 6U & 0x3fU));
    put(0x80U | (code & 0x3fU));
  }
}

}  // namespace authmilter
