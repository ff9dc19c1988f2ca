#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace authmilter::fuzz {

/// What a target promises of its subject. A broken promise ends the run as a crash does, so that
/// the fuzzer keeps the input.
inline void require(bool holds, std::string_view promise, const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: broken promise: %.*s\n", file, line,
               static_cast<int>(promise.size()), promise.data());
  std::abort();
}

/// FNV-1a, with a finish that spreads short texts over all bits.
inline std::uint64_t hash(std::string_view text, std::uint64_t seed = 0) {
  std::uint64_t value = 0xcbf29ce484222325U ^ seed;
  for (const char c : text) {
    value ^= static_cast<unsigned char>(c);
    value *= 0x100000001b3U;
  }
  value ^= value >> 33U;
  value *= 0xff51afd7ed558ccdU;
  return value ^ (value >> 33U);
}

/// Numbers that follow from a text, for choices that must not be part of it: where to cut a body,
/// which letter to change. The same text gives the same numbers.
class Dice {
 public:
  explicit Dice(std::string_view text) : state_(hash(text)) {}
  /// From 0 to `sides` - 1.
  std::size_t roll(std::size_t sides) {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t value = state_;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value ^= value >> 27U;
    return sides == 0 ? 0 : static_cast<std::size_t>(value % sides);
  }
  bool chance(std::size_t one_in) { return roll(one_in) == 0; }

 private:
  std::uint64_t state_;
};

/// An input that people can read and write: lines, and parts separated by a line "%%".
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : text_(reinterpret_cast<const char*>(data), size), rest_(text_) {}

  std::string_view text() const { return text_; }
  /// Up to the next line end, which is taken off; all of it when there is none.
  std::string_view line() { return take("\n"); }
  /// Up to the next line "%%".
  std::string_view part() {
    if (rest_.starts_with("%%\n")) {
      rest_.remove_prefix(3);
      return {};
    }
    return take("\n%%\n");
  }
  std::string_view rest() { return std::exchange(rest_, {}); }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view take(std::string_view end) {
    const std::size_t at = rest_.find(end);
    const std::string_view taken = rest_.substr(0, at);
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + end.size());
    return taken;
  }

  std::string_view text_;
  std::string_view rest_;
};

/// Hands `octets` over in pieces that `dice` chooses.
template <class Take>
void in_pieces(std::string_view octets, Dice& dice, Take take) {
  while (!octets.empty()) {
    const std::size_t most = dice.chance(4) ? octets.size() : 3;
    const std::size_t size = 1 + dice.roll(most < octets.size() ? most : octets.size());
    take(octets.substr(0, size));
    octets.remove_prefix(size < octets.size() ? size : octets.size());
  }
}

/// True for printable ASCII: what may stand in logs, results fields and replies.
inline bool printable_ascii(std::string_view text) {
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  return true;
}

}  // namespace authmilter::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
