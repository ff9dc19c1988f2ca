#include "leave.h"

#include <authmilter/token_health.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace authmilter::command_line {

int leave(int status) {
  if (!token_threads_hang()) return status;
  std::cout.flush();
  std::fflush(nullptr);
  std::_Exit(status);
}

}  // namespace authmilter::command_line
