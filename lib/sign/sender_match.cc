#include "sign/sender_match.h"

#include <authmilter/message.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

namespace authmilter {
namespace {

// What a service that authenticates may take for "@": the compatibility forms that Unicode maps to
// it (UAX #15), U+FF20 and U+FE6B.
constexpr std::string_view kAtSigns[] = {"@", "\xef\xbc\xa0", "\xef\xb9\xab"};

bool has_at_sign(std::string_view login) {
  return std::any_of(std::begin(kAtSigns), std::end(kAtSigns), [&](std::string_view sign) {
    return login.find(sign) != std::string_view::npos;
  });
}

/// The domain of a login such as "alice@example.org". Nothing where it can be read in two ways, or
/// where what stands behind the sign is not a domain name.
std::optional<DomainName> login_domain(std::string_view login) {
  const std::size_t at = login.find('@');
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  const std::string_view rest = login.substr(at + 1);
  if (has_at_sign(login.substr(0, at)) || has_at_sign(rest)) return std::nullopt;
  return DomainName::parse(rest);
}

}  // namespace

bool sender_matches(const Envelope& envelope, const DomainName& author, const KeyRing& keys) {
  const std::string& user = envelope.auth_user;
  if (user.empty()) return true;
  const bool names_domain = has_at_sign(user);  // most logins do not
  if (names_domain) {
    const auto login = login_domain(user);
    if (!login || !keys.same_owner(author, *login)) return false;
  }
  const ReversePath& path = envelope.mail_from;
  if (path.null) return names_domain || keys.single_owner();
  return path.domain && keys.same_owner(author, *path.domain);
}

}  // namespace authmilter
