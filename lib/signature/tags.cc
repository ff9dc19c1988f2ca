#include "signature/tags.h"

#include <algorithm>
#include <iterator>

#include "base/ascii.h"
#include "signature/header_hash.h"

namespace authmilter {
namespace {

// What a sender can grow in one field.
constexpr std::size_t kSignedNamesOctets = 4000;
constexpr std::size_t kSignedNames = 200;
constexpr std::size_t kTimeDigits = 12;             // RFC 6376 section 3.5: "no more than 12"
constexpr std::size_t kSignatureOctets = 8192 / 8;  // the largest RSA key accepted

std::optional<Canonicalization> canonicalization_named(std::string_view name) {
  if (name == "simple") return Canonicalization::simple;
  if (name == "relaxed") return Canonicalization::relaxed;
  return std::nullopt;
}

}  // namespace

std::optional<DomainName> read_signing_domain(std::string_view value) {
  auto name = DomainName::parse(value);
  if (!name || name->label_count() < 2 || value.ends_with('.')) return std::nullopt;
  return name;
}

bool is_public(const DomainName& domain) {
  // `test` and `invalid` do no harm.
  constexpr std::string_view kPrivate[] = {"alt",   "arpa",      "internal",
                                           "local", "localhost", "onion"};
  return std::find(std::begin(kPrivate), std::end(kPrivate), domain.rightmost(1).text()) ==
         std::end(kPrivate);
}

std::optional<KeyType> read_algorithm(std::string_view value) {
  if (value == "rsa-sha256") return KeyType::rsa;
  if (value == "ed25519-sha256") return KeyType::ed25519;  // RFC 8463 section 3
  return std::nullopt;
}

std::string without_fws(std::string_view value) {
  std::string out;
  std::copy_if(value.begin(), value.end(), std::back_inserter(out),
               [](char c) { return !is_fws(c); });
  return out;
}

std::optional<Octets> read_signature_value(std::string_view encoded) {
  auto octets = base64_decode(encoded);
  if (!octets || octets->empty() || octets->size() > kSignatureOctets) return std::nullopt;
  return octets;
}

std::optional<Sha256Digest> read_body_hash(std::string_view value) {
  const auto octets = base64_decode(without_fws(value));
  Sha256Digest digest{};
  // The length first: SHA-256 has 32 octets.
  if (!octets || octets->size() != digest.size()) return std::nullopt;
  std::copy(octets->begin(), octets->end(), digest.begin());
  return digest;
}

std::optional<Canonicalizations> read_canonicalizations(std::string_view value) {
  const std::size_t slash = value.find('/');
  const auto header = canonicalization_named(value.substr(0, slash));
  // RFC 6376 section 3.5: "c=relaxed" means relaxed/simple.
  const auto body = slash == std::string_view::npos
                        ? Canonicalization::simple
                        : canonicalization_named(value.substr(slash + 1));
  if (!header || !body) return std::nullopt;
  return Canonicalizations{*header, *body};
}

bool has_too_many_names(std::string_view value) {
  return value.size() > kSignedNamesOctets ||
         static_cast<std::size_t>(std::count(value.begin(), value.end(), ':')) >= kSignedNames;
}

std::optional<std::vector<std::string>> read_signed_names(std::string_view value) {
  if (has_too_many_names(value)) return std::nullopt;
  std::vector<std::string> names;
  for (const auto element : split(value, ':')) {
    auto name = signable_name(trim_fws(element));
    if (!name) return std::nullopt;
    names.push_back(std::move(*name));
  }
  return names;
}

std::optional<std::int64_t> read_time(std::string_view value) {
  return read_decimal(value, kTimeDigits);
}

std::optional<std::int64_t> read_decimal(std::string_view text, std::size_t maximum_digits) {
  if (text.empty() || text.size() > maximum_digits) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace authmilter
