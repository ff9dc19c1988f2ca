#include <authmilter/crypto.h>

#include "crypto/base64_digits.h"

namespace authmilter {
std::optional<Octets> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && !text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  Octets octets;
  octets.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::uint8_t value = kBase64Values[static_cast<unsigned char>(c)];
    if (value == kNoBase64Digit) return std::nullopt;
    bits = (bits << 6U | value) & 0xffffffU;
    count += 6;
    if (count >= 8) {
      count -= 8;
      octets.push_back(static_cast<std::uint8_t>(bits >> count & 0xffU));
    }
  }
  // RFC 4648 section 3.5: a decoder may refuse pad bits that are not zero. They change nothing that
  // was signed and some key records have them, so they are let pass.
  return octets;
}

std::string base64_encode(std::span<const std::uint8_t> octets) {
  std::string text;
  text.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < octets.size(); at += 3) {
    const std::size_t left = octets.size() - at;
    const std::uint32_t bits = std::uint32_t{octets[at]} << 16U |
                               (left > 1 ? std::uint32_t{octets[at + 1]} << 8U : 0U) |
                               (left > 2 ? std::uint32_t{octets[at + 2]} : 0U);
    text += kBase64Digits[bits >> 18U & 63U];
    text += kBase64Digits[bits >> 12U & 63U];
    text += left > 1 ? kBase64Digits[bits >> 6U & 63U] : '=';
    text += left > 2 ? kBase64Digits[bits & 63U] : '=';
  }
  return text;
}

}  // namespace authmilter
