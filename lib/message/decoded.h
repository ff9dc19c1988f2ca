#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace authmilter {

/// A field's value as a reader sees it that decodes RFC 2047 words wherever they stand and only
/// then looks for results: encoded words replaced by what they mean, folds kept. Nothing when what
/// such a reader sees cannot be told: a charset in which other octets are letters, or a word with a
/// control character or a line separator in it. Linear time.
std::optional<std::string> decoded_value(std::string_view value);

}  // namespace authmilter
