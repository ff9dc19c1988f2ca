#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/report_store.h>

namespace authmilter {

/// How long a destination that has sent reports back is left alone, in seconds: three days at
/// first, twice as long each time, a month at most. By then somebody may have mended it.
std::int64_t rest_after(const Bounce& bounce);

/// Why nothing is sent to a destination now; empty when it may get something.
std::string left_alone(const std::vector<Bounce>& bounces, std::string_view destination,
                       std::int64_t now);

}  // namespace authmilter
