#pragma once

#include <authmilter/dkim.h>

#include "signature/key_record.h"

namespace authmilter {

DkimReason reason_of(KeyFault fault);

}  // namespace authmilter
