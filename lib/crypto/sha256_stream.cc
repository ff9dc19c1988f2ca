#include "crypto/sha256_stream.h"

#include <new>

#include "crypto/openssl.h"

namespace authmilter {

struct Sha256Stream::Context {
  DigestContext handle{EVP_MD_CTX_new()};
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) {
  if (!context_->handle ||
      EVP_DigestInit_ex2(context_->handle.get(), fetched_sha256(), nullptr) != 1)
    throw std::bad_alloc();
}

Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::update(std::string_view octets) {
  if (EVP_DigestUpdate(context_->handle.get(), octets.data(), octets.size()) != 1)
    throw std::bad_alloc();
}

Sha256Stream Sha256Stream::copy() const {
  Sha256Stream other;
  if (EVP_MD_CTX_copy_ex(other.context_->handle.get(), context_->handle.get()) != 1)
    throw std::bad_alloc();
  return other;
}

Sha256Digest Sha256Stream::finish() {
  Sha256Digest digest{};
  if (EVP_DigestFinal_ex(context_->handle.get(), digest.data(), nullptr) != 1)
    throw std::bad_alloc();
  return digest;
}

}  // namespace authmilter
