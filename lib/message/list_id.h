#pragma once

#include <optional>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/message.h>

namespace authmilter {

/// The List-Id of a message (RFC 2919 section 2): what stands in the angle brackets, with whatever
/// phrase in front. Nothing for a message with several such fields, and for what is no domain name.
std::optional<DomainName> find_list_id(const std::vector<HeaderField>& fields);

}  // namespace authmilter
