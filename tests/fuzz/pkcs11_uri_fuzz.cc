#include <string>

#include <authmilter/pkcs11_uri.h>

#include "input.h"

// PKCS#11 URIs (RFC 7512): what is taken names a key and keeps to whole paths; whatever is wrong
// with one, the error is a printable line without the PIN.

using namespace authmilter;
using fuzz::require;

namespace {

void check(const Pkcs11Uri& uri) {
  require(uri.object || uri.id, "it names a key");
  require(!uri.id || !uri.id->empty(), "an id has octets");
  require(uri.module_path.empty() || uri.module_path.front() == '/', "a whole path");
  require(uri.module_path.empty() || uri.module_name.empty(), "one module");
  if (uri.pin_source) {
    const std::string& name = uri.pin_source->name;
    const bool whole = name.front() == '/';
    require(whole == (uri.pin_source->store == PinStore::file), "a PIN's file has a whole path");
    require(whole || name.find('/') == std::string::npos, "a credential has a name");
  }
  require(fuzz::printable_ascii(uri.token_name()), "a token's name can be logged");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const std::string text(input.text());
  const auto uri = Pkcs11Uri::parse(text);
  if (uri) {
    check(*uri);
    require(Pkcs11Uri::parse(text) == uri, "read twice, it is the same");
  } else {
    require(fuzz::printable_ascii(uri.error().message), "an error is a printable line");
  }
  constexpr const char* kPin = "qQ4711Qq";
  if (text.find(kPin) != std::string::npos) return 0;  // the fuzzer has found it
  for (const char* name :
       {"?pin-value=", "&pin-value=", ";pin-value=", "?PIN-value:", "?pin-source="}) {
    const std::string with_pin = text + name + kPin;
    const auto refused = Pkcs11Uri::parse(with_pin);
    if (!refused)
      require(refused.error().message.find(kPin) == std::string::npos, "an error without the PIN");
    require(without_pin(with_pin).find(kPin) == std::string::npos, "a message without the PIN");
  }
  return 0;
}
