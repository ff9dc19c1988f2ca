#pragma once

#include <string>

namespace authmilter {

/// The fully qualified name of this host, in lower case: the default authserv-id. A host that was
/// given a short name is asked for by the system's resolver; one that does not answer within five
/// seconds, or knows no more, leaves the short name. "localhost" when nothing is known. Not for a
/// process that has threads: a child process asks.
std::string host_name();

}  // namespace authmilter
