#pragma once

#include <string>
#include <vector>

#include <authmilter/config.h>

namespace authmilter {

/// What a configuration allows that is seldom meant, "key: what follows from it", in the order of
/// the manual page.
std::vector<std::string> config_warnings(const Config& config);

}  // namespace authmilter
