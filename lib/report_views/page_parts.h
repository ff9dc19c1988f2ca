#pragma once

#include <string_view>

namespace authmilter {

/// The style and the script of the page, as they stand in it; whoever reads the page has nothing
/// else of ours.
extern const std::string_view kPageStyle;
extern const std::string_view kPageScript;

}  // namespace authmilter
