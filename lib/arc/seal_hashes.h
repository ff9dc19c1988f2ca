#pragma once

#include <vector>

#include <authmilter/crypto.h>

#include "arc/chain.h"

namespace authmilter {

/// What each seal of a chain signs (RFC 8617 section 5.1.1): the fields of all sets up to its own,
/// in the order of the instances and within a set results, message signature, seal, its own b=
/// empty. Each field is hashed once or twice, however long the chain.
std::vector<Sha256Digest> seal_hashes(const std::vector<MessageField>& fields,
                                      const ArcChain& chain);

}  // namespace authmilter
