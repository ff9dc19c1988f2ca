#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace authmilter {

/// The first octet of `text` that `is_it(before, octet, behind)` picks, of those that have a
/// neighbour on either side; the size of `text` when there is none.
///
/// As fast as memchr() where few are picked: whole blocks are looked at without a branch, which
/// compilers turn into wide instructions as long as `is_it` has none either (`&` and `|`, not `&&`
/// and `||`). A block takes as long as some 16 octets one by one, so those come first: else text in
/// which every other octet is picked would take thirty times as long for each.
template <class IsIt>
std::size_t find_octet(std::string_view text, IsIt is_it) {
  constexpr std::size_t kBlock = 64;
  constexpr std::size_t kFirst = 16;
  std::size_t at = 1;
  for (; at + 1 < text.size() && at <= kFirst; ++at) {
    if (is_it(text[at - 1], text[at], text[at + 1]) != 0) return at;
  }
  for (; at + kBlock < text.size(); at += kBlock) {
    const char* before = text.data() + at - 1;
    std::array<unsigned char, kBlock> picked;
    unsigned char any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const unsigned it = is_it(before[i], before[i + 1], before[i + 2]);
      picked[i] = static_cast<unsigned char>(it);
      any |= picked[i];
    }
    if (any != 0) {
      const void* first = std::memchr(picked.data(), 1, kBlock);
      return at +
             static_cast<std::size_t>(static_cast<const unsigned char*>(first) - picked.data());
    }
  }
  for (; at + 1 < text.size(); ++at) {
    if (is_it(text[at - 1], text[at], text[at + 1]) != 0) return at;
  }
  return text.size();
}

}  // namespace authmilter
