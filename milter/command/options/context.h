#pragma once

#include "options/common_options.h"
#include "output/exit_status.h"

namespace authmilter::tools {

/// What the command line leaves behind.
struct Context {
  CommonOptions common;
  ExitStatus status = ExitStatus::done;
};

}  // namespace authmilter::tools
