#pragma once

#include <optional>
#include <string_view>

#include <authmilter/failure_report.h>
#include <authmilter/tls_report.h>

namespace authmilter {

// Words that only the readers look up; in any case, and nothing for other words.
std::optional<TlsPolicyType> parse_tls_policy_type(std::string_view word);
std::optional<AuthFailure> parse_auth_failure(std::string_view word);
std::optional<DeliveryResult> parse_delivery_result(std::string_view word);

}  // namespace authmilter
