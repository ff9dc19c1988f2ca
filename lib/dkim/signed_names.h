#pragma once

#include <string>
#include <vector>

#include <authmilter/dkim.h>

#include "signature/header_hash.h"

namespace authmilter {

/// The h= of a new signature: each name as many times as the message has it, and the oversigned
/// ones once more (RFC 6376 sections 5.4.2 and 8.15), present or not as configured. From first,
/// then Subject, then the others in their order; never fields that change on the way.
std::vector<std::string> select_signed_names(const std::vector<MessageField>& fields,
                                             const DkimSignOptions& options);

}  // namespace authmilter
