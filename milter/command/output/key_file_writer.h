#pragma once

#include <string>
#include <string_view>

#include <authmilter/result.h>

namespace authmilter::tools {

enum class Existing { keep, replace };

/// Writes a private key that only its owner may read. An existing file is an error with `keep`;
/// with `replace` it is exchanged as a whole, and stays as it was when anything fails.
Status write_key_file(const std::string& path, std::string_view pem, Existing existing);

}  // namespace authmilter::tools
