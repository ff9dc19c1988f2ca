#include <authmilter/key_source.h>

#include <algorithm>

#include <fmt/format.h>

#include <authmilter/config_place.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::string_view kPkcs11 = "pkcs11:";
constexpr std::string_view kCredential = "credential:";

/// A name below the directory of the credentials, and nowhere else (systemd.exec(5)).
bool is_credential(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), is_printable);
}

}  // namespace

std::string ConfigPlace::text() const {
  return fmt::format("{}:{}:{}", file == nullptr ? "" : *file, line, column);
}

Result<KeySource> KeySource::parse_key(std::string_view text) {
  if (text.starts_with(kPkcs11) && std::all_of(text.begin(), text.end(), is_printable))
    return KeySource{KeyStore::pkcs11, std::string(text)};
  if (text.starts_with(kCredential) && is_credential(text.substr(kCredential.size())))
    return KeySource{KeyStore::credential, std::string(text.substr(kCredential.size()))};
  return Error{fmt::format("\"{}\" is not a key, write \"pkcs11:token=...;object=...\" or "
                           "\"credential:NAME\"; for a file write file = \"PATH\"",
                           printable(text))};
}

std::string KeySource::written() const {
  return store == KeyStore::credential ? std::string(kCredential) + text : text;
}

}  // namespace authmilter
