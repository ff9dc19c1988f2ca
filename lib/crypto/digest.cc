#include <authmilter/crypto.h>

#include <new>

#include <openssl/evp.h>

namespace authmilter {

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
  if (EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();
  }
  return digest;
}

}  // namespace authmilter
