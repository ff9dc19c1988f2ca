#pragma once

namespace authmilter {

/// In a build with AddressSanitizer: reports memory that nothing points to any more, and ends the
/// process if there is some. For a process that ends without destructors, which would hide it.
void check_for_leaks();

}  // namespace authmilter
