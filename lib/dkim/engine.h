#pragma once

#include <authmilter/dkim.h>

#include "signature/hash_engine.h"
#include "signature/key_lookup.h"

namespace authmilter {

struct DkimEngine::Impl {
  DkimLibrary library;
  KeyCache keys;
};

}  // namespace authmilter
