#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace authmilter {

/// The max-age of a field Strict-Transport-Security (RFC 6797 section 6.1); nothing where the field
/// does not count, because it has none, has one twice, or cannot be read.
std::optional<std::uint64_t> transport_security_age(std::string_view field);

}  // namespace authmilter
