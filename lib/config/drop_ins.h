#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <authmilter/result.h>
#include <authmilter/signing_config.h>

namespace authmilter {

/// Reads each NAME.toml of a directory, in the order of their names. Hidden files are passed over,
/// as are other names. Only a directory that cannot be read, or that others may write to, is an
/// error: a file that is wrong, is none, or may be written by others has a fault, and its domains
/// are those that `known` (may be null) has of it; domains that it seems to be about beside them
/// have no keys.
Result<std::vector<std::shared_ptr<const SigningDropIn>>> read_drop_ins(
    const std::filesystem::path& directory, const KnownDropIns* known);

/// A domain has its table in one place: the main file, or else the drop-in that `known` (may be
/// null) has it from, or else the first that is read. The others are taken out, and are faults of
/// `config`.
void keep_one_table_each(SigningConfig& config, const KnownDropIns* known);

}  // namespace authmilter
