#include "dns/wire_reader.h"

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::size_t kWireNameOctets = 255;  // RFC 1035 section 2.3.4, lengths and root included
constexpr std::uint8_t kPointerBits = 0xc0;
// A name has at most 127 labels, so more pointers than that point to pointers.
constexpr int kPointerLimit = 127;

}  // namespace

std::span<const std::uint8_t> WireReader::octets(std::size_t count) {
  if (failed_ || count > message_.size() - position_) {
    failed_ = true;
    return {};
  }
  const auto taken = message_.subspan(position_, count);
  position_ += count;
  return taken;
}

std::uint8_t WireReader::octet() {
  const auto taken = octets(1);
  return taken.empty() ? std::uint8_t{0} : taken[0];
}

std::uint16_t WireReader::number16() {
  const auto high = octet();
  const auto low = octet();
  return static_cast<std::uint16_t>((high << 8U) | low);
}

std::uint32_t WireReader::number32() {
  const std::uint32_t high = number16();
  return (high << 16U) | number16();
}

WireReader WireReader::part(std::size_t count) const {
  WireReader reader(message_);
  reader.position_ = position_;
  reader.failed_ = failed_ || count > message_.size() - position_;
  if (!reader.failed_) reader.message_ = message_.first(position_ + count);
  return reader;
}

WireName WireReader::name() {
  WireName name;
  std::size_t wire_octets = 1;  // the root's
  std::size_t segment = position_;
  WireReader at = *this;
  int jumps = 0;
  for (;;) {
    const std::uint8_t length = at.octet();
    if ((length & kPointerBits) == kPointerBits) {
      const std::size_t target =
          (static_cast<std::size_t>(length & ~kPointerBits & 0xffU) << 8U) | at.octet();
      if (jumps == 0) position_ = at.position_;
      ++jumps;
      // RFC 1035 section 4.1.4: a pointer leads to a prior occurrence. Only ever backwards is also
      // what ends every loop.
      if (at.failed_ || target >= segment || jumps > kPointerLimit) break;
      segment = target;
      at.position_ = target;
      continue;
    }
    if (at.failed_ || (length & kPointerBits) != 0) break;
    if (length == 0) {
      if (jumps == 0) position_ = at.position_;
      return name;
    }
    wire_octets += std::size_t{length} + 1;
    const auto label = at.octets(length);
    if (at.failed_ || wire_octets > kWireNameOctets) break;
    if (!name.text.empty()) name.text += '.';
    for (const std::uint8_t value : label) {
      name.dot_in_label = name.dot_in_label || value == '.';
      name.text += to_lower(static_cast<char>(value));
    }
  }
  failed_ = true;
  return {};
}

}  // namespace authmilter
