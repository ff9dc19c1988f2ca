#pragma once

#include <cstddef>
#include <string_view>

namespace authmilter {

/// RFC 5322 section 3.2.3, and RFC 6532 section 3.2: octets of UTF-8 are atext. Whether they are
/// good UTF-8 matters only in a domain, and DomainName decides that.
bool is_atext(char c);

/// Length of the well-formed UTF-8 sequence beyond ASCII that `text` begins with (RFC 3629 section
/// 4); 0 when there is none.
std::size_t utf8_sequence(std::string_view text);

/// RFC 5322 section 3.2.3: runs of atext with single dots between them.
bool is_dot_atom(std::string_view text);

/// The position after the quoted string that starts at `at`; npos when it does not end, or holds a
/// control character that no fold explains.
std::size_t skip_quoted_string(std::string_view text, std::size_t at);

/// The position after any blanks, folds and comments; npos when a comment does not end, holds a
/// control character or nests too deep. Comments nest without recursion.
std::size_t skip_cfws(std::string_view text, std::size_t at);

}  // namespace authmilter
