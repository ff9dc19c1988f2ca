#include "crypto/pem_octets.h"

#include <algorithm>
#include <array>

#include <openssl/crypto.h>

#include "crypto/base64_digits.h"

namespace authmilter {
namespace {

constexpr std::size_t kMostOctets = 8192;  // an RSA key of 8192 bits has 4.7 kB

/// Room for the octets of one key, wiped.
struct Room {
  std::array<std::uint8_t, kMostOctets> octets;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::size_t size = 0;
  Room() {}  // NOLINT(modernize-use-equals-default): the octets need no value
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() { OPENSSL_cleanse(octets.data(), size); }
};

bool is_blank(char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; }

/// base64 with blanks (RFC 7468 section 3); false for anything else.
bool decode(std::string_view text, Room& room) {
  const auto value_at = [&](std::size_t place) -> std::uint32_t {
    return kBase64Values[static_cast<unsigned char>(text[place])];
  };
  std::uint32_t bits = 0;
  unsigned digits = 0;  // of the group
  std::size_t at = 0;
  for (; at < text.size() && text[at] != '='; ++at) {
    // Mostly four digits stand beside each other: what is not one has the two highest bits.
    for (; digits == 0 && text.size() - at > 4; at += 4) {
      const std::uint32_t a = value_at(at);
      const std::uint32_t b = value_at(at + 1);
      const std::uint32_t c = value_at(at + 2);
      const std::uint32_t d = value_at(at + 3);
      if (((a | b | c | d) & 0xc0U) != 0 || room.size + 3 > room.octets.size()) break;
      room.octets[room.size] = static_cast<std::uint8_t>(a << 2U | b >> 4U);
      room.octets[room.size + 1] = static_cast<std::uint8_t>(b << 4U | c >> 2U);
      room.octets[room.size + 2] = static_cast<std::uint8_t>(c << 6U | d);
      room.size += 3;
    }
    if (text[at] == '=') break;
    const std::uint8_t value = kBase64Values[static_cast<unsigned char>(text[at])];
    if (value == kNoBase64Digit) {
      if (is_blank(text[at])) continue;
      return false;
    }
    bits = bits << 6U | value;
    if (++digits < 4) continue;
    if (room.size + 3 > room.octets.size()) return false;
    room.octets[room.size++] = static_cast<std::uint8_t>(bits >> 16U);
    room.octets[room.size++] = static_cast<std::uint8_t>(bits >> 8U);
    room.octets[room.size++] = static_cast<std::uint8_t>(bits);
    digits = 0;
  }
  unsigned padding = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '=')
      ++padding;
    else if (!is_blank(text[at]))
      return false;
  }
  if ((digits + padding) % 4 != 0 || padding > 2) return false;
  if (padding == 0) return true;
  if (room.size + 2 > room.octets.size()) return false;
  bits <<= 6U * padding;
  room.octets[room.size++] = static_cast<std::uint8_t>(bits >> 16U);
  if (padding == 1) room.octets[room.size++] = static_cast<std::uint8_t>(bits >> 8U);
  return true;
}

}  // namespace

SecretOctets::SecretOctets(std::span<const std::uint8_t> octets)
    : octets_(std::make_unique<std::uint8_t[]>(octets.size())),  // NOLINT(modernize-avoid-c-arrays)
      size_(octets.size()) {
  std::copy(octets.begin(), octets.end(), octets_.get());
}

SecretOctets::~SecretOctets() {
  if (octets_) OPENSSL_cleanse(octets_.get(), size_);
}

std::optional<SecretOctets> octets_of_pem(std::string_view pem) {
  constexpr std::string_view kBegins[] = {"-----BEGIN PRIVATE KEY-----",
                                          "-----BEGIN RSA PRIVATE KEY-----"};
  constexpr std::string_view kEnd = "-----END ";
  for (const std::string_view begin : kBegins) {
    if (!pem.starts_with(begin)) continue;
    pem.remove_prefix(begin.size());
    Room room;
    if (!decode(pem.substr(0, pem.find(kEnd)), room)) return std::nullopt;
    return SecretOctets({room.octets.data(), room.size});
  }
  return std::nullopt;
}

}  // namespace authmilter
