#pragma once

#include <chrono>
#include <string>

#include <authmilter/result.h>
#include <authmilter/socket_address.h>

namespace authmilter::tools {

/// Fetches /status of a daemon by HTTP/1.0. Waits at most `time` for all of it and takes no more
/// than a few MiB. Anything but a whole answer with status 200 is an error.
///
/// It is written here because there is neither name, redirect, TLS nor encoding: libcurl would do
/// it in half the lines, and bring twenty more libraries to every start of this command and to
/// every host that has it (LDAP, Kerberos, SSH, RTMP).
Result<std::string> fetch_status(const HostPort& address, std::chrono::milliseconds time);

}  // namespace authmilter::tools
