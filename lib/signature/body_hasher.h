#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <authmilter/canonicalization.h>
#include <authmilter/crypto.h>

#include "crypto/sha256_stream.h"
#include "signature/body_canonicalizer.h"

namespace authmilter {

/// How many octets of the canonical body a signature covers (l=); nothing for all of it.
using BodyLimit = std::optional<std::uint64_t>;

struct BodyHash {
  Sha256Digest digest{};
  std::uint64_t octets = 0;  // of the canonical body, that were hashed
};

/// Hashes one body under one canonicalization, streaming in constant memory, once for each limit.
class BodyHasher {
 public:
  BodyHasher(Canonicalization canonicalization, const std::vector<BodyLimit>& limits);
  BodyHasher(const BodyHasher&) = delete;
  BodyHasher& operator=(const BodyHasher&) = delete;

  /// Octets as the MTA hands them over, split anywhere.
  void update(std::string_view octets) { canonicalizer_.update(octets); }
  /// In the order of the limits. Of a limit beyond the end of the body it is the hash of the body.
  /// Once.
  std::vector<BodyHash> finish();

 private:
  struct Part {
    BodyLimit limit;
    Sha256Stream digest;
    std::uint64_t octets = 0;
  };
  void add(std::string_view canonical);

  std::vector<Part> parts_;
  BodyCanonicalizer canonicalizer_;
};

}  // namespace authmilter
