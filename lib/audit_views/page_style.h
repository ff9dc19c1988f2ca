#pragma once

#include <string_view>

namespace authmilter {

/// The style of an audit's page, as it stands in it.
extern const std::string_view kAuditStyle;

}  // namespace authmilter
