#pragma once

#include <string>

#include <authmilter/result.h>

#include "import/translation.h"

namespace authmilter::importer {

/// Translates what OpenDKIM signs, with which keys and how; the keys as files of `keys_directory`,
/// if one is given. An error is a table that cannot be read.
Status translate_signing(Translator& to, const std::string& keys_directory);

}  // namespace authmilter::importer
