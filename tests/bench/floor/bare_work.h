#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* handle) const noexcept {
    Free(handle);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using Digest = std::vector<unsigned char>;

/// Which signatures one message has, or gets.
struct Algorithms {
  bool rsa = false;
  bool ed25519 = false;
};

/// One key, loaded, and one signature that it has made: to verify that costs what it costs to
/// verify any other. Everything that can be made ready for all messages is. Thread-safe.
class LoadedKey {
 public:
  explicit LoadedKey(const std::string& file);
  Digest sign(const Digest& digest) const;
  bool verify() const;

 private:
  Digest sign_hash(const Digest& digest) const;

  Key key_;
  bool ed25519_;
  KeyContext signing_;  // of RSA
  KeyContext verifying_;
  Digest signed_;
  Digest signature_;
};

/// SHA-256, streaming.
class Hash {
 public:
  Hash();
  void add(std::string_view octets);
  Digest finish();

 private:
  DigestContext context_;
};

}  // namespace bench
