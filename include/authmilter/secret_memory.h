#pragma once

namespace authmilter {

/// Makes OpenSSL wipe all memory that it frees: on the way from a key file to a key it leaves
/// copies in buffers that it does not take for secret. For the whole process; false when OpenSSL is
/// in use already, so call it before anything else.
bool wipe_freed_memory();

}  // namespace authmilter
