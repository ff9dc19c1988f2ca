#pragma once

#include <string>
#include <string_view>

namespace authmilter {

/// A field's value as Sendmail will write it. Behind its filters it writes lists of addresses anew,
/// with a comma and a blank between them; a signature over "a@example.org,b@example.org" would
/// not survive. Other fields come back as they are, and so does what is no list.
std::string as_sendmail_writes(std::string_view name, std::string_view value);

/// True for the fields in which Sendmail knows addresses, as far as anybody signs them.
bool is_sendmail_address_field(std::string_view name);

/// True when Sendmail writes this field anew with a domain behind an address that has none. Which
/// domain depends on the mailer of each recipient. Not for From, which names no author then.
bool has_unqualified_address(std::string_view name, std::string_view value);

}  // namespace authmilter
