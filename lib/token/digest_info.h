#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <authmilter/crypto.h>

namespace authmilter {

/// The DER of DigestInfo with SHA-256, which RSASSA-PKCS1-v1_5 pads and signs (RFC 8017 section
/// 9.2, note 1). CKM_RSA_PKCS does the padding.
inline std::array<std::uint8_t, 51> digest_info(const Sha256Digest& digest) {
  std::array<std::uint8_t, 51> der = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  std::copy(digest.begin(), digest.end(), der.end() - static_cast<std::ptrdiff_t>(digest.size()));
  return der;
}

}  // namespace authmilter
