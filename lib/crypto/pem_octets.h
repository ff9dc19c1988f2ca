#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace authmilter {

/// The octets of a key, wiped when dropped.
class SecretOctets {
 public:
  explicit SecretOctets(std::span<const std::uint8_t> octets);
  SecretOctets(SecretOctets&& other) noexcept = default;
  SecretOctets& operator=(SecretOctets&&) = delete;
  ~SecretOctets();

  std::span<const std::uint8_t> view() const { return {octets_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> octets_;  // NOLINT(modernize-avoid-c-arrays): its size is fixed
  std::size_t size_ = 0;
};

/// What stands between the lines of a PEM text of one private key (RFC 7468 section 10); nothing
/// where there is anything else, or more than any key has, which OpenSSL may judge.
std::optional<SecretOctets> octets_of_pem(std::string_view pem);

}  // namespace authmilter
