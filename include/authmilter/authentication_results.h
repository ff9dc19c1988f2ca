#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/result.h>

namespace authmilter {

/// RFC 8601 section 2.2: `ptype.property=value`.
struct ResultProperty {
  std::string ptype;     // "smtp", "header", "policy", "body" or another keyword
  std::string property;  // "mailfrom"
  std::string value;     // unquoted
  bool operator==(const ResultProperty&) const = default;
};

struct MethodResult {
  std::string method;  // "spf"
  std::string version = "";
  std::string result;  // "pass"
  std::string reason = "";
  std::string comment = "";  // printed in parentheses after the result; not read back
  std::vector<ResultProperty> properties = {};
};

struct AuthenticationResults {
  std::string authserv_id;
  std::string version = "";
  std::vector<MethodResult> results;  // empty: "; none"
};

/// The field's value, folded under 78 columns where a token allows it, lines joined by "\n\t" (the
/// milter's form). Whatever the strings hold, reading the value back gives the same results: values
/// that are not tokens are quoted, and octets outside printable ASCII are replaced by '?'.
std::string compose(const AuthenticationResults& results);

/// Reads a field's value (RFC 8601 section 2.2, comments skipped, linear time, no recursion).
Result<AuthenticationResults> parse_authentication_results(std::string_view value);

/// Only the authserv-id, for the decision whether to remove a field (RFC 8601 section 5): unquoted,
/// lower case, without a trailing dot. Nothing when the field cannot be read, which is a reason to
/// remove it too.
std::optional<std::string> parse_authserv_id(std::string_view value);

/// True when a field with this value must be removed before ours is added: it bears our name,
/// `authserv_id`, in any spelling, or cannot be read.
bool claims_to_be_ours(std::string_view value, const DomainName& authserv_id);

}  // namespace authmilter
