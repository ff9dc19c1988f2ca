#include "sign/sender_match.h"

#include <authmilter/message.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "message/from_field.h"

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

/// Whether an authenticated user sends as the author's domain: in the reverse-path, and in the
/// login where that names one.
bool sends_as(const Envelope& envelope, const DomainName& author, const KeyRing& keys) {
  const std::string& user = envelope.auth_user;
  const bool names_domain = has_at_sign(user);  // most logins do not
  if (names_domain) {
    const auto login = login_domain(user);
    if (!login || !keys.same_owner(author, *login)) return false;
  }
  const ReversePath& path = envelope.mail_from;
  if (path.null) return names_domain || keys.single_owner();
  return path.domain && keys.same_owner(author, *path.domain);
}

/// The map names what a user may sign for; the reverse-path must be of the same owner, or another
/// that the user may sign for. Without one (read receipts have none) the author alone counts.
bool map_permits(const LoginMap& map, const Envelope& envelope, const Author& author,
                 const KeyRing& keys) {
  if (!map.permits(envelope.auth_user, author.domain, author.mailbox)) return false;
  const ReversePath& path = envelope.mail_from;
  if (path.null) return true;
  if (!path.domain) return false;
  return keys.same_owner(author.domain, *path.domain) ||
         map.permits(envelope.auth_user, *path.domain, path);
}

bool fits(const SigningPermit& permit, const Envelope& envelope) {
  if (!permit.clients.empty() && (!envelope.client || !permit.clients.contains(*envelope.client)))
    return false;
  return permit.daemon_names.empty() ||
         std::find(permit.daemon_names.begin(), permit.daemon_names.end(), envelope.daemon_name) !=
             permit.daemon_names.end();
}

/// Of the tables that fit a message one must name the domain; where none fits, nothing is said.
bool permits_domain(const std::vector<SigningPermit>& permits, const Envelope& envelope,
                    const DomainName& author) {
  bool any_fits = false;
  for (const SigningPermit& permit : permits) {
    if (!fits(permit, envelope)) continue;
    if (permit.domains.matches(author)) return true;
    any_fits = true;
  }
  return !any_fits;
}

}  // namespace

Author author_of(DomainName domain, const std::vector<HeaderField>& fields) {
  const auto from = std::find_if(fields.begin(), fields.end(),
                                 [](const HeaderField& field) { return has_name(field, "From"); });
  auto mailbox = from == fields.end() ? std::nullopt : read_single_author(from->value);
  if (mailbox && mailbox->domain != domain) mailbox.reset();
  return {std::move(domain), std::move(mailbox)};
}

std::optional<std::string> sender_mismatch(const Envelope& envelope, const Author& author,
                                           const SigningConfig& config, const KeyRing& keys) {
  if (!permits_domain(config.permits, envelope, author.domain)) return "signing.permit";
  if (envelope.auth_user.empty()) return std::nullopt;
  if (config.logins != nullptr) {
    if (map_permits(*config.logins, envelope, author, keys)) return std::nullopt;
    return "signing.login_map";
  }
  if (!config.require_sender_match || sends_as(envelope, author.domain, keys)) return std::nullopt;
  return "";
}

}  // namespace authmilter
