#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace authmilter {

/// A hash table of numbers that stand for things which are kept elsewhere, in four to eight octets
/// for each. The caller has the things, their hashes and what makes two of them the same.
class NumberIndex {
 public:
  /// For at most so many.
  explicit NumberIndex(std::size_t most = 0)
      // At most half of the slots are taken.
      : slots_(std::bit_ceil(std::max<std::size_t>(most * 2, 2)), 0) {}

  /// The number for which `is_it` holds.
  template <class IsIt>
  std::optional<std::uint32_t> find(std::size_t hash, const IsIt& is_it) const {
    const std::uint32_t taken = slots_[slot_of(hash, is_it)];
    return taken == 0 ? std::nullopt : std::optional(taken - 1);
  }
  /// The same, or `number`, which is added, where there is none.
  template <class IsIt>
  std::uint32_t find_or_add(std::size_t hash, std::uint32_t number, const IsIt& is_it) {
    std::uint32_t& taken = slots_[slot_of(hash, is_it)];
    if (taken == 0) taken = number + 1;
    return taken - 1;
  }

 private:
  template <class IsIt>
  std::size_t slot_of(std::size_t hash, const IsIt& is_it) const {
    std::size_t slot = hash & (slots_.size() - 1);
    while (slots_[slot] != 0 && !is_it(slots_[slot] - 1)) slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }

  std::vector<std::uint32_t> slots_;  // number + 1; a power of two of them
};

}  // namespace authmilter
