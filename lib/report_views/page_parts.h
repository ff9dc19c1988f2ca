#pragma once

#include <string>
#include <string_view>

namespace authmilter {

/// The style and the script of the page, as they stand in it; whoever reads the page has nothing
/// else of ours.
const std::string& page_style();
extern const std::string_view kPageScript;

}  // namespace authmilter
