#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <authmilter/result.h>
#include <authmilter/signing_config.h>

namespace authmilter {

/// Reads each NAME.toml of a directory, in the order of their names. Hidden files and what is not a
/// regular file are passed over, as are other names. Only a directory that cannot be read is an
/// error: a file that is wrong has a fault, and its domains are those that `known` (may be null)
/// has of it; domains that it seems to be about beside them have no keys.
Result<std::vector<std::shared_ptr<const SigningDropIn>>> read_drop_ins(
    const std::filesystem::path& directory, const KnownDropIns* known);

/// A domain has its table in one place: the first that is read keeps it, the main file before the
/// drop-ins. The others are taken out, and are faults of `config`.
void keep_first_tables(SigningConfig& config);

}  // namespace authmilter
