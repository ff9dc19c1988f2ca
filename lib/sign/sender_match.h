#pragma once

#include <authmilter/sign.h>

namespace authmilter {

/// An authenticated user signs only for the domain it sends as: neither the reverse-path nor a
/// login that names a domain may belong to somebody else than the Author Domain does. A login that
/// seems to name a domain, and does not, is nobody's. With the null reverse-path only such a login
/// says whom the user sends as, or there is no other domain. Without a user true: an internal
/// network is trusted as a whole.
bool sender_matches(const Envelope& envelope, const DomainName& author, const KeyRing& keys);

}  // namespace authmilter
