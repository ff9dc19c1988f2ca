#pragma once

#include <string>
#include <string_view>

namespace authmilter {

/// `text` as a basic string of TOML 1.0, on one line: "\"a\\\\b\"". Its octets are taken as they
/// are, so it is TOML only where they are UTF-8.
std::string literal(std::string_view text);

}  // namespace authmilter
