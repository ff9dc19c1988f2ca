#pragma once

#include <authmilter/pkcs11_uri.h>
#include <authmilter/result.h>

#include "token/pin_reader.h"

namespace authmilter {

/// Reads a PIN, of whose file the same is asked as of one with a key: it is a file of one line, and
/// a line end is not part of it. Errors begin with the file or the credential, and never hold what
/// is in it.
Result<Pin> read_pin(const PinSource& source);

}  // namespace authmilter
