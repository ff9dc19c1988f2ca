#pragma once

#include <filesystem>
#include <memory>

#include <authmilter/key_source.h>
#include <authmilter/private_key.h>
#include <authmilter/result.h>

namespace authmilter {

/// Reads a file with a private key in PEM form. Refused: anything but a regular file; one that
/// anybody may read but root, the user that runs this process and its group, or that a group may
/// write; a file, directory or link on the way owned by neither root nor that user; a directory on
/// the way that others or a group may write to (sticky ones excepted); more than 64 KiB. Errors
/// begin with the path.
Result<std::shared_ptr<const PrivateKey>> read_key_file(const std::filesystem::path& path);

/// A key wherever it is kept, for a program that is about this key: read_key_file() of a file or a
/// credential, KeyRing::load()'s way to one in a token, which is given five seconds. Errors begin
/// with the source.
Result<std::shared_ptr<const PrivateKey>> fetch_key(const KeySource& source);

}  // namespace authmilter
