#pragma once

// The only place that sees libopendkim's header, which is C with `_Bool`.
#define _Bool bool  // NOLINT
#include <opendkim/dkim.h>
#undef _Bool

#include "base/c_handle.h"

namespace authmilter {

using DkimLibraryHandle = CHandle<DKIM_LIB, dkim_close>;
using DkimHandle = CHandle<DKIM, dkim_free>;

}  // namespace authmilter
