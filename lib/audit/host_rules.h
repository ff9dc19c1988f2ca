#pragma once

#include <span>
#include <string>

#include <authmilter/audit.h>

namespace authmilter {

// The rules of this host, by what they look at. None applies where the run is not on the mail
// server.
std::span<const AuditRule> resolver_rules();
std::span<const AuditRule> postfix_rules();
std::span<const AuditRule> authmilter_rules();

/// "name = value", as it stands in main.cf(5).
inline std::string postfix_line(const std::string& name, const std::string& value) {
  return name + " = " + value;
}

}  // namespace authmilter
