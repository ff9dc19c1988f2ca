#include <authmilter/daemon_status.h>

#include "input.h"

// What `authmilter status` reads from a server that may be anyone: what was read is written and
// read again, the same.

using namespace authmilter;
using authmilter::fuzz::Input;
using authmilter::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Input input(data, size);
  const auto status = read_status(input.text());
  if (!status) return 0;
  const auto again = read_status(write_status(*status));
  require(again && *again == *status, "what was written is read, the same");
  return 0;
}
