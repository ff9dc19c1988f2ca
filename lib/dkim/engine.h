#pragma once

#include <authmilter/dkim.h>

#include "dkim/hash_engine.h"
#include "dkim/key_lookup.h"

namespace authmilter {

struct DkimEngine::Impl {
  DkimLibrary library;
  KeyCache keys;
};

}  // namespace authmilter
