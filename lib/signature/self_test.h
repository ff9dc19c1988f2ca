#pragma once

namespace authmilter {

/// Compares our canonical forms (RFC 6376 section 3.4) with libopendkim's, over a message that has
/// something of everything that they change: a program whose compiler or processor gets them wrong
/// must not begin, because it would call good signatures bad. Once in a process, which takes about
/// a millisecond. Throws std::runtime_error where they differ. Thread-safe.
void compare_with_libopendkim();

}  // namespace authmilter
