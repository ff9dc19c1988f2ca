#pragma once

namespace authmilter {

/// Narrows what the process may do, before it reads anything: no core files or debuggers (signing
/// keys are in memory), no new privileges, as many open files as allowed, no death by SIGPIPE.
void harden_process();

/// The MTA's files need no root, and a milter parses what strangers send.
bool running_as_root();

}  // namespace authmilter
