#pragma once

namespace authmilter {

/// The errno with which accept() last failed for want of descriptors or memory since this was asked
/// last; 0 when it did not.
///
/// libmilter tries again at once, and takes a processor to itself until one comes free. So this
/// file replaces the C library's accept() for the whole process, by one that rests before such an
/// answer.
int last_accept_error();

}  // namespace authmilter
