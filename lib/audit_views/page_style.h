#pragma once

#include <string>

namespace authmilter {

/// The style of an audit's page, as it stands in it.
const std::string& audit_style();

}  // namespace authmilter
