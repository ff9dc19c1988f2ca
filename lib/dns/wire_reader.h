#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace authmilter {

/// A name from the wire. Its text is unambiguous only when no label holds a dot.
struct WireName {
  std::string text;  // lower case
  bool dot_in_label = false;
};

/// Reads a DNS message front to back. Reading over the end, or what cannot be read, yields zeros
/// and empty values from there on, and failed().
class WireReader {
 public:
  explicit WireReader(std::span<const std::uint8_t> message) : message_(message) {}

  std::uint8_t octet();
  std::uint16_t number16();
  std::uint32_t number32();
  std::span<const std::uint8_t> octets(std::size_t count);
  WireName name();

  bool failed() const { return failed_; }
  std::size_t remaining() const { return message_.size() - position_; }
  /// A reader of the same message that stops after `count` octets, for a record's data: names in
  /// it may point to what is before (RFC 1035 section 4.1.4).
  WireReader part(std::size_t count) const;

 private:
  std::span<const std::uint8_t> message_;
  std::size_t position_ = 0;
  bool failed_ = false;
};

}  // namespace authmilter
