#pragma once

namespace authmilter::command_line {

/// The status for main() to return; or the end of the process, its output written, where a return
/// would take from threads that hang what they use.
int leave(int status);

}  // namespace authmilter::command_line
