#include "token/key_object.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/der.h"
#include "token/digest_info.h"

namespace authmilter {
namespace {

constexpr std::size_t kMostSignature = 1024;  // of an RSA key of 8192 bits
constexpr CK_ULONG kMostAttribute = 64UL * 1024;
constexpr std::size_t kEd25519Point = 32;  // RFC 8032 section 5.1.5

/// A template of PKCS#11 whose values are owned elsewhere.
class Template {
 public:
  void add(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
    attributes_.push_back({type, const_cast<void*>(value), static_cast<CK_ULONG>(size)});
  }
  CK_ATTRIBUTE* data() { return attributes_.data(); }
  CK_ULONG size() const { return static_cast<CK_ULONG>(attributes_.size()); }

 private:
  std::vector<CK_ATTRIBUTE> attributes_;
};

/// At most two objects: more than one is too many.
TokenResult<std::vector<CK_OBJECT_HANDLE>> find(const SessionPlace& place, Template& wanted) {
  CK_RV value = place.library->C_FindObjectsInit(place.session, wanted.data(), wanted.size());
  if (value != CKR_OK) return error_of("C_FindObjectsInit", value);
  std::array<CK_OBJECT_HANDLE, 2> found{};
  CK_ULONG count = 0;
  value = place.library->C_FindObjects(place.session, found.data(), found.size(), &count);
  place.library->C_FindObjectsFinal(place.session);
  if (value != CKR_OK) return error_of("C_FindObjects", value);
  return std::vector<CK_OBJECT_HANDLE>(
      found.begin(), found.begin() + static_cast<std::ptrdiff_t>(std::min<CK_ULONG>(count, 2)));
}

/// The value of an attribute; empty when the object has none, or does not show it.
TokenResult<Octets> attribute(const SessionPlace& place, CK_OBJECT_HANDLE object,
                              CK_ATTRIBUTE_TYPE type) {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  CK_RV value = place.library->C_GetAttributeValue(place.session, object, &wanted, 1);
  if (value == CKR_ATTRIBUTE_TYPE_INVALID || value == CKR_ATTRIBUTE_SENSITIVE) return Octets();
  if (value != CKR_OK) return error_of("C_GetAttributeValue", value);
  // CK_UNAVAILABLE_INFORMATION is the greatest number there is.
  if (wanted.ulValueLen == 0 || wanted.ulValueLen > kMostAttribute) return Octets();
  Octets octets(wanted.ulValueLen);
  wanted.pValue = octets.data();
  value = place.library->C_GetAttributeValue(place.session, object, &wanted, 1);
  if (value != CKR_OK) return error_of("C_GetAttributeValue", value);
  octets.resize(std::min<std::size_t>(octets.size(), wanted.ulValueLen));
  return octets;
}

/// The public object that belongs to the private one: with its CKA_ID, else with the label that the
/// URI gives. Nothing when there is none.
TokenResult<std::optional<CK_OBJECT_HANDLE>> public_object(const SessionPlace& place,
                                                           CK_OBJECT_HANDLE private_key,
                                                           CK_KEY_TYPE type, const Pkcs11Uri& uri) {
  const auto id = attribute(place, private_key, CKA_ID);
  if (!id) return id.error();
  const CK_OBJECT_CLASS kind = CKO_PUBLIC_KEY;
  Template wanted;
  wanted.add(CKA_CLASS, &kind, sizeof kind);
  wanted.add(CKA_KEY_TYPE, &type, sizeof type);
  if (!id->empty()) {
    wanted.add(CKA_ID, id->data(), id->size());
  } else if (uri.object) {
    wanted.add(CKA_LABEL, uri.object->data(), uri.object->size());
  } else {
    return std::optional<CK_OBJECT_HANDLE>();
  }
  const auto found = find(place, wanted);
  if (!found) return found.error();
  if (found->empty()) return std::optional<CK_OBJECT_HANDLE>();
  return std::optional(found->front());
}

OctetsView without_leading_zeros(OctetsView number) {
  while (!number.empty() && number.front() == 0) number = number.subspan(1);
  return number;
}

/// The record's octets of an RSA key whose numbers `object` shows; empty when it does not.
TokenResult<Octets> rsa_of(const SessionPlace& place, CK_OBJECT_HANDLE object) {
  const auto modulus = attribute(place, object, CKA_MODULUS);
  if (!modulus) return modulus.error();
  const auto exponent = attribute(place, object, CKA_PUBLIC_EXPONENT);
  if (!exponent) return exponent.error();
  const RsaNumbers numbers{without_leading_zeros(*modulus), without_leading_zeros(*exponent)};
  if (numbers.modulus.empty() || numbers.exponent.empty()) return Octets();
  return subject_public_key_info(numbers);
}

/// The record's octets of an Ed25519 key whose point `object` shows; empty when it does not. Tokens
/// give the point bare, or as the DER of an OCTET STRING (PKCS #11 3.0 section 2.3.5 has both).
TokenResult<Octets> ed25519_of(const SessionPlace& place, CK_OBJECT_HANDLE object) {
  auto point = attribute(place, object, CKA_EC_POINT);
  if (!point) return point.error();
  if (point->size() == kEd25519Point + 2 && (*point)[0] == 0x04 && (*point)[1] == kEd25519Point)
    point->erase(point->begin(), point->begin() + 2);
  if (point->size() != kEd25519Point) return Octets();
  return point;
}

/// From CKA_PUBLIC_KEY_INFO of the private object, which some tokens leave empty.
TokenResult<Octets> from_key_info(const SessionPlace& place, CK_OBJECT_HANDLE private_key,
                                  CK_KEY_TYPE type) {
  auto info = attribute(place, private_key, CKA_PUBLIC_KEY_INFO);
  if (!info) return info.error();
  if (type == CKK_RSA) return parse_rsa_public_key(*info) ? std::move(*info) : Octets();
  // RFC 8410 section 4: AlgorithmIdentifier with id-Ed25519 alone, then the point.
  constexpr std::array<std::uint8_t, 12> kHead = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                  0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  if (info->size() != kHead.size() + kEd25519Point ||
      !std::equal(kHead.begin(), kHead.end(), info->begin())) {
    return Octets();
  }
  info->erase(info->begin(), info->begin() + kHead.size());
  return info;
}

TokenResult<CK_KEY_TYPE> type_of(const SessionPlace& place, CK_OBJECT_HANDLE private_key) {
  CK_KEY_TYPE type = 0;
  CK_ATTRIBUTE wanted{CKA_KEY_TYPE, &type, sizeof type};
  const CK_RV value = place.library->C_GetAttributeValue(place.session, private_key, &wanted, 1);
  if (value != CKR_OK) return error_of("C_GetAttributeValue", value);
  if (type == CKK_RSA || type == CKK_EC_EDWARDS) return type;
  return TokenError{TokenFault::key, "it is neither an RSA nor an Ed25519 key"};
}

std::string described(const Pkcs11Uri& uri) {
  return (uri.object ? " with the label of the URI" : "") +
         std::string(uri.object && uri.id ? " and" : "") +
         (uri.id ? " with the id of the URI" : "");
}

}  // namespace

TokenResult<CK_OBJECT_HANDLE> find_private_key(const SessionPlace& place, const Pkcs11Uri& uri) {
  const CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
  Template wanted;
  wanted.add(CKA_CLASS, &kind, sizeof kind);
  if (uri.object) wanted.add(CKA_LABEL, uri.object->data(), uri.object->size());
  if (uri.id) wanted.add(CKA_ID, uri.id->data(), uri.id->size());
  const auto found = find(place, wanted);
  if (!found) return found.error();
  if (found->size() > 1)
    return TokenError{TokenFault::key, "several private keys" + described(uri) +
                                           " are in the token: name one by object and id"};
  if (!found->empty()) return found->front();
  return TokenError{TokenFault::key,
                    "no private key" + described(uri) + " is in the token" +
                        (uri.pin_source ? "" : ", or it is hidden without a PIN (pin-source)")};
}

TokenResult<PublicHalf> public_half(const SessionPlace& place, CK_OBJECT_HANDLE private_key,
                                    const Pkcs11Uri& uri) {
  const auto type = type_of(place, private_key);
  if (!type) return type.error();
  const auto shown_by = [&](CK_OBJECT_HANDLE object) {
    return *type == CKK_RSA ? rsa_of(place, object) : ed25519_of(place, object);
  };
  auto octets = shown_by(private_key);
  if (octets && octets->empty()) {
    const auto object = public_object(place, private_key, *type, uri);
    if (!object) return object.error();
    if (*object) octets = shown_by(**object);
  }
  if (octets && octets->empty()) octets = from_key_info(place, private_key, *type);
  if (!octets) return octets.error();
  if (octets->empty())
    return TokenError{TokenFault::key,
                      "its public half cannot be had: keep the public key in the token, with the "
                      "same id"};
  const auto key = PublicKey::from_dns(*type == CKK_RSA ? KeyType::rsa : KeyType::ed25519, *octets);
  if (!key) return TokenError{TokenFault::key, "its public half: " + key.error().message};
  return PublicHalf{*key, std::move(*octets)};
}

TokenResult<Done> begin_to_sign(const SessionPlace& place, CK_OBJECT_HANDLE private_key,
                                KeyType type) {
  CK_MECHANISM mechanism{type == KeyType::rsa ? CKM_RSA_PKCS : CKM_EDDSA, nullptr, 0};
  const CK_RV value = place.library->C_SignInit(place.session, &mechanism, private_key);
  if (value != CKR_OK) return error_of("C_SignInit", value);
  return Done{};
}

TokenResult<Octets> sign(const SessionPlace& place, KeyType type, const Sha256Digest& digest) {
  // RFC 8463 section 3: PureEdDSA over the hash's octets. In one call: CKM_EDDSA has no parts.
  auto wrapped = digest_info(digest);
  Octets input(digest.begin(), digest.end());
  if (type == KeyType::rsa) input.assign(wrapped.begin(), wrapped.end());
  Octets signature(kMostSignature);
  CK_ULONG size = signature.size();
  const CK_RV value =
      place.library->C_Sign(place.session, input.data(), input.size(), signature.data(), &size);
  if (value != CKR_OK) return error_of("C_Sign", value);
  signature.resize(std::min<std::size_t>(signature.size(), size));
  return signature;
}

}  // namespace authmilter
