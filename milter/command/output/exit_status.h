#pragma once

#include <string>

#include <authmilter/result.h>

namespace authmilter::tools {

/// What the command exits with; from 64 on the numbers of sysexits(3).
enum class ExitStatus : int {
  done = 0,
  negative = 1,
  temporary = 2,
  usage = 64,
  no_input = 66,
  unavailable = 69,
  internal = 70,
  cannot_create = 73,
  output = 74,
  try_again = 75,
  configuration = 78,
};

/// Says "authmilter: MESSAGE" on standard error and returns `status`.
ExitStatus fail(ExitStatus status, const std::string& message);
inline ExitStatus fail(ExitStatus status, const Error& error) {
  return fail(status, error.message);
}
/// A remark on standard error that changes nothing.
void note(const std::string& message);

}  // namespace authmilter::tools
