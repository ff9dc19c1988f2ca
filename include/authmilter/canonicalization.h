#pragma once

#include <cstdint>
#include <string_view>

namespace authmilter {

/// RFC 6376 section 3.4, of the header or of the body.
enum class Canonicalization : std::uint8_t { simple, relaxed };
std::string_view to_string(Canonicalization canonicalization);

}  // namespace authmilter
