#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/dkim.h>
#include <authmilter/domain_name.h>

namespace authmilter {

/// Which of a message's signatures stands on top, where there are keys of both kinds.
enum class SignatureOrder : std::uint8_t { rsa_on_top, ed25519_on_top, as_listed };

/// How the messages of an author's domain are signed.
struct SigningProfile {
  std::vector<std::string> headers = default_signed_headers();
  Canonicalization header_canonicalization = Canonicalization::relaxed;
  Canonicalization body_canonicalization = Canonicalization::relaxed;
  std::vector<std::string> oversign = default_oversigned_headers();
  std::vector<std::string> oversign_present = default_oversigned_present_headers();
  std::chrono::milliseconds lifetime{0};  // of a signature, x=; 0: without end
  SignatureOrder order = SignatureOrder::rsa_on_top;
  std::vector<DomainName> also;  // whose keys sign beside those of the author's domain
};

struct Canonicalizations {
  Canonicalization header;
  Canonicalization body;
  auto operator<=>(const Canonicalizations&) const = default;
};

/// What a `[[signing.domain]]` says of that itself. Most say nothing.
struct SigningOverrides {
  std::optional<std::vector<std::string>> headers = {};
  std::optional<Canonicalizations> canonicalization = {};
  std::optional<std::vector<std::string>> oversign = {};
  std::optional<std::vector<std::string>> oversign_present = {};
  std::optional<std::chrono::milliseconds> lifetime = {};
  std::optional<SignatureOrder> order = {};
  std::optional<std::vector<DomainName>> also = {};

  auto operator<=>(const SigningOverrides&) const = default;
};

/// With what `overrides` says in place of what there was.
SigningProfile overridden(SigningProfile profile, const SigningOverrides& overrides);
SigningOverrides overridden(SigningOverrides earlier, const SigningOverrides& overrides);
/// What says all of a profile.
SigningOverrides said_by(const SigningProfile& profile);

}  // namespace authmilter
