#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace authmilter {

/// Texts one behind the other: those of 100,000 domains as strings of their own would take more
/// than all the rest.
class TextPool {
 public:
  struct Text {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  Text add(std::string_view text) {
    if (text.size() > UINT32_MAX - octets_.size())
      throw std::length_error("more than 4 GiB of texts");
    const Text added{static_cast<std::uint32_t>(octets_.size()),
                     static_cast<std::uint32_t>(text.size())};
    octets_.append(text);
    return added;
  }
  std::string_view operator[](Text text) const {
    return std::string_view(octets_).substr(text.at, text.size);
  }
  void shrink() { octets_.shrink_to_fit(); }

 private:
  std::string octets_;
};

}  // namespace authmilter
