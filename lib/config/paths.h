#pragma once

#include <filesystem>
#include <string>

#include <authmilter/signing_config.h>

namespace authmilter {

/// Makes what is relative start at `directory`: a daemon leaves the one it was started in.
void make_absolute(std::filesystem::path& path, const std::filesystem::path& directory);
/// The key files of a domain.
void make_absolute(SigningDomainConfig& domain, const std::filesystem::path& directory);

}  // namespace authmilter
