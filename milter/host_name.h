#pragma once

#include <string>

namespace authmilter {

/// The fully qualified name of this host, in lower case: the default authserv-id. Asks the
/// system's resolver when the host was given a short name; "localhost" when nothing is known.
std::string host_name();

}  // namespace authmilter
