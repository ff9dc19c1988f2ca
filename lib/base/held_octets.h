#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace authmilter {

// What objects hold in memory outside of themselves, for those who count it.

/// What the allocator adds to a block of memory.
constexpr std::size_t kBlockOctets = 16;

/// A text's own block, where it is too long to be held in the object.
inline std::size_t held_octets(const std::string& text) {
  return text.capacity() < sizeof(std::string) / 2 ? 0 : text.capacity() + 1 + kBlockOctets;
}

/// The block of a vector, without what its elements hold themselves.
template <class Element>
std::size_t held_octets(const std::vector<Element>& elements) {
  return elements.capacity() == 0 ? 0 : elements.capacity() * sizeof(Element) + kBlockOctets;
}

}  // namespace authmilter
