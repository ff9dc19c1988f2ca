#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace authmilter {

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoBase64Digit = 0xff;

/// What each octet stands for (RFC 4648 section 4).
constexpr std::array<std::uint8_t, 256> make_base64_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoBase64Digit);
  for (std::size_t i = 0; i < kBase64Digits.size(); ++i)
    values[static_cast<unsigned char>(kBase64Digits[i])] = static_cast<std::uint8_t>(i);
  return values;
}
inline constexpr std::array<std::uint8_t, 256> kBase64Values = make_base64_values();

}  // namespace authmilter
