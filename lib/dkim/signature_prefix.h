#pragma once

#include <string>
#include <vector>

namespace authmilter {

/// For each signature (b= in base64, without blanks) the first characters that tell it from the
/// others, at least eight (RFC 6008 section 4); the whole when it is shorter or another one is
/// equal. Empty stays empty.
std::vector<std::string> signature_prefixes(const std::vector<std::string>& signatures);

}  // namespace authmilter
