#include "arc/seal_hashes.h"

#include <string>

#include "crypto/sha256_stream.h"

namespace authmilter {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::string line_of(const std::vector<MessageField>& fields, std::size_t place) {
  return canonical_field(fields[place], Canonicalization::relaxed).append(kLineEnd);
}

}  // namespace

std::vector<Sha256Digest> seal_hashes(const std::vector<MessageField>& fields,
                                      const ArcChain& chain) {
  std::vector<Sha256Digest> hashes;
  Sha256Stream stream;
  for (const ArcSet& set : chain) {
    stream.update(line_of(fields, set.results_place));
    stream.update(line_of(fields, set.message_signature_place));
    Sha256Stream own = stream.copy();
    own.update(canonical_own_field({&set.seal.header, &fields[set.seal_place]}));
    hashes.push_back(own.finish());
    stream.update(line_of(fields, set.seal_place));
  }
  return hashes;
}

}  // namespace authmilter
