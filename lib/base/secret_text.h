#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace authmilter {

/// A text that is wiped when it is dropped, and is in one place only.
class SecretText {
 public:
  SecretText() = default;
  /// A copy; the one it was made of is the caller's to wipe.
  explicit SecretText(std::string_view text)
      : octets_(std::make_unique_for_overwrite<char[]>(text.size())), size_(text.size()) {
    std::copy(text.begin(), text.end(), octets_.get());
  }
  SecretText(SecretText&& other) noexcept
      : octets_(std::move(other.octets_)), size_(std::exchange(other.size_, 0)) {}
  SecretText& operator=(SecretText&& other) noexcept {
    std::swap(octets_, other.octets_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SecretText() {
    if (octets_) ::explicit_bzero(octets_.get(), size_);
  }

  std::span<char> octets() { return {octets_.get(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  std::unique_ptr<char[]> octets_;
  std::size_t size_ = 0;
};

}  // namespace authmilter
