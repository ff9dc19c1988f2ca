#pragma once

#include <functional>
#include <string>

#include <authmilter/pkcs11_uri.h>
#include <authmilter/result.h>

#include "base/secret_text.h"

namespace authmilter {

/// A PIN, and what tells it from the one that stood at its place before; that is not secret.
struct Pin {
  SecretText text;
  std::string version;
};

/// Fetches a PIN whenever a token wants it, so that it is nowhere in between. Thread-safe.
using PinReader = std::function<Result<Pin>(const PinSource&)>;

}  // namespace authmilter
