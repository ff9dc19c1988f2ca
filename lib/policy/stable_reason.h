#pragma once

#include <string>
#include <string_view>

namespace authmilter {

/// The stable words in front of a reason ("body-hash-mismatch"), without the free text that may
/// follow in brackets: a sender can have put that there, so it must not reach a reply or a header
/// field. Empty when the reason does not begin with such words.
std::string stable_reason(std::string_view reason);

}  // namespace authmilter
