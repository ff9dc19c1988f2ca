#pragma once

namespace authmilter {

/// The errno with which accept() last failed because descriptors or memory had run out, since this
/// was last asked; 0 when it did not.
///
/// libmilter tries again at once, and takes a processor to itself until one comes free. So this
/// file replaces the C library's accept() for the whole process, by one that rests before such an
/// answer.
int last_accept_error();

/// What accept() returns on this thread from now on are connections of MTAs (packets.h).
void accept_connections_of_mtas();

}  // namespace authmilter
