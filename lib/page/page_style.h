#pragma once

#include <string_view>

namespace authmilter {

/// What the style of each of our pages begins with: colours in light and dark, the frame, the
/// ways of a keyboard. Each page adds its own colours and parts.
extern const std::string_view kFrameStyle;

}  // namespace authmilter
