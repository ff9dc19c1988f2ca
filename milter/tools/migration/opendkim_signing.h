#pragma once

#include <string>

#include <authmilter/result.h>

#include "translation.h"

namespace authmilter::migration {

/// Translates what OpenDKIM signs, with which keys and how; the keys as files of `keys_directory`,
/// if one is given. An error is a table that cannot be read.
Status translate_signing(Translator& to, const std::string& keys_directory);

}  // namespace authmilter::migration
