#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include <authmilter/canonicalization.h>

namespace authmilter {

/// The canonical form of a body (RFC 6376 sections 3.4.3 and 3.4.4), streaming in constant memory.
/// What is canonical as it came, which is nearly all of most mail, is handed on uncopied.
/// A bare LF ends a line, as the MTA will send it (section 5.3); a bare CR is an octet like others.
/// A last line that is not ended is.
class BodyCanonicalizer {
 public:
  /// Takes octets of the canonical form; they are valid during the call.
  using Sink = std::function<void(std::string_view)>;

  BodyCanonicalizer(Canonicalization canonicalization, Sink sink)
      : relaxed_(canonicalization == Canonicalization::relaxed), sink_(std::move(sink)) {}

  /// Octets as the MTA hands them over, split anywhere.
  void update(std::string_view octets);
  void finish();

 private:
  bool may_go(char octet) const;
  std::string_view canonical_run(std::string_view octets) const;
  void end_line();
  void text(std::string_view octets);
  void line_ends();
  void put(std::string_view octets);
  void flush();

  bool relaxed_;
  Sink sink_;
  bool after_cr_ = false;  // whether it is bare the next octet tells
  bool blank_ = false;     // relaxed: some came, and the line may end behind them
  bool any_text_ = false;
  std::uint64_t line_ends_ = 0;  // that count only when there is text behind them
  std::array<char, 4096> buffer_;
  std::size_t buffered_ = 0;
};

}  // namespace authmilter
