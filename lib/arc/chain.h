#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <authmilter/arc.h>

#include "arc/fields.h"
#include "signature/header_hash.h"

namespace authmilter {

/// One ARC Set of a chain whose structure is valid; the places are those of its fields in the
/// header.
struct ArcSet {
  ArcSeal seal;
  Result<ArcMessageSignature, FieldFault> message_signature;
  std::optional<AuthenticationResults> results;
  std::size_t seal_place = 0;
  std::size_t message_signature_place = 0;
  std::size_t results_place = 0;
};

/// The sets 1 to N in that order; none where the message has none.
using ArcChain = std::vector<ArcSet>;

/// Puts the fields of a header together, whatever their order, and validates the structure (RFC
/// 8617 section 5.2, steps 1 to 3). Pure; needs no key and no clock.
Result<ArcChain, Reason<ArcReason>> read_chain(const std::vector<MessageField>& fields);

}  // namespace authmilter
