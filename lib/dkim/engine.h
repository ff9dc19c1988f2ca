#pragma once

#include <authmilter/dkim.h>

namespace authmilter {

struct DkimEngine::Impl {};

}  // namespace authmilter
