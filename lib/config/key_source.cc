#include <authmilter/key_source.h>

#include <algorithm>

#include <fmt/format.h>

#include <authmilter/config_place.h>
#include <authmilter/pkcs11_uri.h>

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
  if (starts_with_ignoring_case(text, kPkcs11)) {
    const auto uri = Pkcs11Uri::parse(text);
    if (!uri)
      return Error{
          fmt::format("{}: {}", without_pin(text.substr(0, text.find('?'))), uri.error().message)};
    return KeySource{KeyStore::pkcs11, std::string(text)};
  }
  if (text.starts_with(kCredential) && is_credential(text.substr(kCredential.size())))
    return KeySource{KeyStore::credential, std::string(text.substr(kCredential.size()))};
  return Error{
      fmt::format("\"{}\" is not a key, write \"pkcs11:token=...;object=...\" or "
                  "\"credential:NAME\"; for a file write file = \"PATH\"",
                  without_pin(text))};
}

std::string KeySource::written() const {
  switch (store) {
    case KeyStore::file:
    case KeyStore::pkcs11:
      return text;
    case KeyStore::credential:
      return std::string(kCredential) + text;
    case KeyStore::table:
      return "a key in signing.key_table";  // which nobody is to see
  }
  return text;
}

}  // namespace authmilter
