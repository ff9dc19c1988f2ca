#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <authmilter/result.h>
#include <authmilter/signing_config.h>

namespace authmilter {

/// Reads each NAME.toml of a directory, in the order of their names. Hidden files and what is not a
/// regular file are passed over, as are other names.
Result<std::vector<std::shared_ptr<const SigningDropIn>>> read_drop_ins(
    const std::filesystem::path& directory);

}  // namespace authmilter
