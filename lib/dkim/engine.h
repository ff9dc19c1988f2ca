#pragma once

#include <authmilter/dkim.h>

#include "signature/key_lookup.h"

namespace authmilter {

struct DkimEngine::Impl {
  KeyCache keys;
};

}  // namespace authmilter
