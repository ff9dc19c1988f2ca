#pragma once

#include <cstddef>
#include <string_view>

namespace authmilter {

/// A row of a table that gives every enumerator its word.
template <class Enum>
struct Word {
  Enum value;
  std::string_view word;
};

/// True when the rows are those of all enumerators up to `last`, in their order, so that word_of()
/// finds each. For a static_assert beside the table.
template <class Enum, std::size_t Size>
constexpr bool is_complete(const Word<Enum> (&rows)[Size], Enum last) {
  for (std::size_t i = 0; i < Size; ++i) {
    if (static_cast<std::size_t>(rows[i].value) != i) return false;
  }
  return rows[Size - 1].value == last;
}

template <class Enum, std::size_t Size>
constexpr std::string_view word_of(const Word<Enum> (&rows)[Size], Enum value) {
  return rows[static_cast<std::size_t>(value)].word;
}

}  // namespace authmilter
