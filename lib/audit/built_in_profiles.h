#pragma once

#include <string_view>

namespace authmilter {

// The files of contrib/audit/, as they were when this was compiled.
extern const std::string_view kDefaultProfile;
extern const std::string_view kStrictProfile;
extern const std::string_view kNukibProfile;

}  // namespace authmilter
