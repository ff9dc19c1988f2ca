#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <authmilter/crypto.h>
#include <authmilter/result.h>

namespace authmilter {

/// Where the PIN of a token is kept (RFC 7512 section 2.4, pin-source).
enum class PinStore : std::uint8_t { file, credential };

struct PinSource {
  PinStore store = PinStore::file;
  std::string name;  // an absolute path; the credential's name
  bool operator==(const PinSource&) const = default;
};

/// A PKCS#11 URI (RFC 7512) that names a private key. What is set must equal what the library, the
/// slot, the token and the object say of themselves.
struct Pkcs11Uri {
  std::optional<std::string> token, manufacturer, serial, model;
  std::optional<std::string> slot_description, slot_manufacturer;
  std::optional<unsigned long> slot_id;
  std::optional<std::string> library_manufacturer, library_description;
  std::optional<std::pair<unsigned, unsigned>> library_version;  // major, minor
  std::optional<std::string> object;
  std::optional<Octets> id;
  std::string module_path;  // absolute; empty: not said
  std::string module_name;  // as p11-kit knows it; empty: not said
  std::optional<PinSource> pin_source;
  bool operator==(const Pkcs11Uri&) const = default;

  /// Refused: what is no such URI, and one that names no private key, asks for a module or a PIN in
  /// a way that we do not go, or holds the PIN itself, which every reader of the configuration
  /// could read, and of a process list. The error says what is wrong without the values, as a
  /// value may be a PIN, and reads after the object ("... ").
  static Result<Pkcs11Uri> parse(std::string_view text);

  /// What the token is called in the log: its label, or what else it is known by.
  std::string token_name() const;
};

/// A text that was meant for a PKCS#11 URI, for messages: nothing from a "?" or a "pin" in
/// it on.
std::string without_pin(std::string_view text);

}  // namespace authmilter
