#pragma once

#include <string_view>

#include "base/ascii.h"

namespace authmilter {

/// The text of a TXT record without the blanks and line ends that web forms and scripts leave at
/// its end. A policy or key means the same without them, whether or not its grammar has a place for
/// them: RFC 7208 section 4.5 and RFC 9989 section 4.8 allow blanks there, RFC 6376 section 3.6.1
/// any folding white space that is followed by something.
constexpr std::string_view without_trailing_blanks(std::string_view text) {
  while (!text.empty() && is_fws(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace authmilter
