#include "signature/body_hasher.h"

#include <algorithm>

namespace authmilter {

BodyHasher::BodyHasher(Canonicalization canonicalization, const std::vector<BodyLimit>& limits)
    : canonicalizer_(canonicalization, [this](std::string_view canonical) { add(canonical); }) {
  for (const BodyLimit& limit : limits) parts_.push_back({limit, Sha256Stream(), 0});
}

void BodyHasher::add(std::string_view canonical) {
  for (Part& part : parts_) {
    std::uint64_t wanted = canonical.size();
    if (part.limit) wanted = std::min(wanted, *part.limit - part.octets);
    part.digest.update(canonical.substr(0, wanted));
    part.octets += wanted;
  }
}

std::vector<BodyHash> BodyHasher::finish() {
  canonicalizer_.finish();
  std::vector<BodyHash> hashes;
  for (Part& part : parts_) hashes.push_back({part.digest.finish(), part.octets});
  return hashes;
}

}  // namespace authmilter
