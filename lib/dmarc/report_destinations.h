#pragma once

#include <string_view>

#include <authmilter/policy_record.h>

namespace authmilter {

/// Reads the value of a `rua` or `ruf` tag.
ReportDestinations parse_report_destinations(std::string_view list);

}  // namespace authmilter
