#include "crypto/der.h"

#include <algorithm>
#include <array>
#include <bit>

namespace authmilter {
namespace {

constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kOctetString = 0x04;
constexpr std::uint8_t kSequence = 0x30;
// AlgorithmIdentifier's content: OBJECT IDENTIFIER 1.2.840.113549.1.1.1, then NULL.
constexpr std::array<std::uint8_t, 13> kRsaEncryption = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                         0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
constexpr std::size_t kObjectIdentifierSize = 11;
// OBJECT IDENTIFIER 1.3.101.112 (RFC 8410 section 3).
constexpr std::array<std::uint8_t, 5> kEd25519 = {0x06, 0x03, 0x2b, 0x65, 0x70};
constexpr unsigned kEd25519KeyBits = 256;

/// Takes the element with this tag from the front of `input`; nothing when there is another.
std::optional<OctetsView> take(OctetsView& input, std::uint8_t tag) {
  if (input.size() < 2 || input[0] != tag) return std::nullopt;
  std::size_t length = input[1];
  std::size_t head = 2;
  if (length >= 0x80) {
    // A key of 8192 bits needs two octets of length. X.690 section 10.1: the shortest form.
    const std::size_t octets = length & 0x7fU;
    if (octets < 1 || octets > 2 || input.size() < head + octets) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < octets; ++i) length = length << 8U | input[head + i];
    if (length < (octets == 1 ? 0x80U : 0x100U)) return std::nullopt;
    head += octets;
  }
  if (input.size() - head < length) return std::nullopt;
  const OctetsView content = input.subspan(head, length);
  input = input.subspan(head + length);
  return content;
}

/// A positive INTEGER in its shortest form (X.690 section 8.3.2).
std::optional<OctetsView> take_positive(OctetsView& input) {
  const auto content = take(input, kInteger);
  if (!content || content->empty() || (*content)[0] >= 0x80) return std::nullopt;
  if ((*content)[0] != 0) return content;
  if (content->size() < 2 || (*content)[1] < 0x80) return std::nullopt;
  return content->subspan(1);
}

bool is_rsa_encryption(OctetsView algorithm) {
  const OctetsView expected = kRsaEncryption;
  // RFC 3279 section 2.3.1: the parameters must be NULL. Some generators leave them out.
  return std::ranges::equal(algorithm, expected) ||
         std::ranges::equal(algorithm, expected.first(kObjectIdentifierSize));
}

std::optional<RsaNumbers> parse_rsa_public_key_content(OctetsView content) {
  const auto modulus = take_positive(content);
  if (!modulus) return std::nullopt;
  const auto exponent = take_positive(content);
  if (!exponent || !content.empty()) return std::nullopt;
  return RsaNumbers{*modulus, *exponent};
}

using Der = std::vector<std::uint8_t>;

/// An element with this tag.
Der element(std::uint8_t tag, const Der& content) {
  Der der = {tag};
  std::size_t octets = 0;  // of the length, in its long form
  while (content.size() >> 8U * octets != 0) ++octets;
  if (content.size() >= 0x80) der.push_back(static_cast<std::uint8_t>(0x80U | octets));
  if (content.size() < 0x80) octets = 1;
  for (; octets > 0; --octets)
    der.push_back(static_cast<std::uint8_t>(content.size() >> 8U * (octets - 1)));
  der.insert(der.end(), content.begin(), content.end());
  return der;
}

Der positive(OctetsView number) {
  Der content(number.begin(), number.end());
  if (content.front() >= 0x80) content.insert(content.begin(), 0);  // else it would be negative
  return element(kInteger, content);
}

Der joined(Der first, const Der& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

std::vector<std::uint8_t> subject_public_key_info(const RsaNumbers& numbers) {
  const Der key = element(kSequence, joined(positive(numbers.modulus), positive(numbers.exponent)));
  const Der algorithm = element(kSequence, Der(kRsaEncryption.begin(), kRsaEncryption.end()));
  return element(kSequence, joined(algorithm, element(kBitString, joined(Der{0}, key))));
}

std::optional<RsaNumbers> parse_rsa_public_key(OctetsView der) {
  auto outer = take(der, kSequence);
  if (!outer || !der.empty()) return std::nullopt;
  if (!outer->empty() && (*outer)[0] == kInteger) return parse_rsa_public_key_content(*outer);

  const auto algorithm = take(*outer, kSequence);
  if (!algorithm || !is_rsa_encryption(*algorithm)) return std::nullopt;
  auto bits = take(*outer, kBitString);
  if (!bits || !outer->empty()) return std::nullopt;
  if (bits->empty() || (*bits)[0] != 0) return std::nullopt;  // unused bits
  OctetsView inner = bits->subspan(1);
  const auto key = take(inner, kSequence);
  if (!key || !inner.empty()) return std::nullopt;
  return parse_rsa_public_key_content(*key);
}

namespace {

/// The number of a version, which is one octet.
bool take_version(OctetsView& input) {
  const auto version = take(input, kInteger);
  return version && version->size() == 1 && (*version)[0] <= 1;
}

unsigned bits_in(OctetsView number) {
  return static_cast<unsigned>(number.size() * 8 -
                               static_cast<std::size_t>(std::countl_zero(number[0])));
}

std::optional<PrivateKeyShape> rsa_private_key_shape(OctetsView der) {
  auto content = take(der, kSequence);
  if (!content || !der.empty() || !take_version(*content)) return std::nullopt;
  const auto modulus = take_positive(*content);
  if (!modulus) return std::nullopt;
  return PrivateKeyShape{KeyType::rsa, bits_in(*modulus)};
}

}  // namespace

std::optional<PrivateKeyShape> private_key_shape(OctetsView der) {
  if (auto bare = rsa_private_key_shape(der)) return bare;
  auto content = take(der, kSequence);
  if (!content || !der.empty() || !take_version(*content)) return std::nullopt;
  const auto algorithm = take(*content, kSequence);
  const auto inner = algorithm ? take(*content, kOctetString) : std::nullopt;
  if (!inner) return std::nullopt;
  if (is_rsa_encryption(*algorithm)) return rsa_private_key_shape(*inner);
  const OctetsView ed25519 = kEd25519;
  if (std::ranges::equal(*algorithm, ed25519))
    return PrivateKeyShape{KeyType::ed25519, kEd25519KeyBits};
  return std::nullopt;
}

}  // namespace authmilter
