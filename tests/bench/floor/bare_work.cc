#include "bare_work.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdio>
#include <stdexcept>

namespace bench {
namespace {

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string(what) + " failed");
}

/// Fetched once: to look it up by its name again costs more than a short header.
const EVP_MD* sha256() {
  static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

/// Started once, to be copied.
EVP_MD_CTX* started_hash() {
  static const DigestContext started = [] {
    DigestContext context(EVP_MD_CTX_new());
    must(context && EVP_DigestInit_ex2(context.get(), sha256(), nullptr) == 1, "EVP_DigestInit");
    return context;
  }();
  return started.get();
}

Key read_key(const std::string& file) {
  const std::unique_ptr<std::FILE, FreeWith<std::fclose>> stream(std::fopen(file.c_str(), "re"));
  must(stream != nullptr, "opening the key");
  Key key(PEM_read_PrivateKey(stream.get(), nullptr, nullptr, nullptr));
  must(key != nullptr, "reading the key");
  return key;
}

void take_pkcs1(EVP_PKEY_CTX* context) {
  must(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context, sha256()) == 1,
       "RSASSA-PKCS1-v1_5");
}

}  // namespace

LoadedKey::LoadedKey(const std::string& file)
    : key_(read_key(file)), ed25519_(EVP_PKEY_is_a(key_.get(), "ED25519") == 1), signed_(32, 0x5a) {
  if (!ed25519_) {
    signing_.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    must(EVP_PKEY_sign_init(signing_.get()) == 1, "EVP_PKEY_sign_init");
    take_pkcs1(signing_.get());
    verifying_.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    must(EVP_PKEY_verify_init(verifying_.get()) == 1, "EVP_PKEY_verify_init");
    take_pkcs1(verifying_.get());
  }
  signature_ = sign(signed_);
  must(verify(), "verifying");
}

Digest LoadedKey::sign(const Digest& digest) const {
  if (!ed25519_) return sign_hash(digest);
  const DigestContext context(EVP_MD_CTX_new());
  Digest signature(64);
  std::size_t size = signature.size();
  must(
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
          EVP_DigestSign(context.get(), signature.data(), &size, digest.data(), digest.size()) == 1,
      "signing");
  return signature;
}

Digest LoadedKey::sign_hash(const Digest& digest) const {
  const KeyContext context(EVP_PKEY_CTX_dup(signing_.get()));
  Digest signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())));
  std::size_t size = signature.size();
  must(EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()) == 1,
       "signing");
  return signature;
}

bool LoadedKey::verify() const {
  if (ed25519_) {
    const DigestContext context(EVP_MD_CTX_new());
    return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), signature_.data(), signature_.size(), signed_.data(),
                            signed_.size()) == 1;
  }
  const KeyContext context(EVP_PKEY_CTX_dup(verifying_.get()));
  return EVP_PKEY_verify(context.get(), signature_.data(), signature_.size(), signed_.data(),
                         signed_.size()) == 1;
}

Hash::Hash() : context_(EVP_MD_CTX_new()) {
  must(context_ && EVP_MD_CTX_copy_ex(context_.get(), started_hash()) == 1, "EVP_MD_CTX_copy");
}

void Hash::add(std::string_view octets) {
  must(EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) == 1, "EVP_DigestUpdate");
}

Digest Hash::finish() {
  Digest digest(32);
  must(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1, "EVP_DigestFinal");
  return digest;
}

}  // namespace bench
