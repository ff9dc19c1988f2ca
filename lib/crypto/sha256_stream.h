#pragma once

#include <memory>
#include <string_view>

#include <authmilter/crypto.h>

namespace authmilter {

/// SHA-256 of what comes in pieces. Throws std::bad_alloc when OpenSSL finds no memory.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;

  void update(std::string_view octets);
  /// Another one that has had the same octets.
  Sha256Stream copy() const;
  /// Once, at the end.
  Sha256Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace authmilter
