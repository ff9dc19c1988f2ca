#pragma once

#include <filesystem>
#include <string>

#include <authmilter/result.h>

namespace authmilter {

/// The file of a credential that the service manager has handed over (systemd.exec(5)): in
/// $CREDENTIALS_DIRECTORY, which only the service has; where that is not set, as for an
/// administrator's command, among those of authmilterd.service while it runs.
std::filesystem::path credential_file(const std::string& name);

}  // namespace authmilter
