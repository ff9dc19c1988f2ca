#include <authmilter/crypto.h>

#include <new>

#include "crypto/openssl.h"

namespace authmilter {

const EVP_MD* fetched_sha256() {
  // For as long as the process lives: other threads use it to the end.
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return sha256;
}

std::string_view to_string(KeyType type) {
  switch (type) {
    case KeyType::rsa:
      return "rsa";
    case KeyType::ed25519:
      return "ed25519";
  }
  return "";
}

Sha256Digest sha256(std::string_view data) {
  Sha256Digest digest{};
  unsigned size = 0;
  // Fails only when OpenSSL finds no memory.
  if (EVP_Digest(data.data(), data.size(), digest.data(), &size, fetched_sha256(), nullptr) != 1) {
    throw std::bad_alloc();
  }
  return digest;
}

}  // namespace authmilter
