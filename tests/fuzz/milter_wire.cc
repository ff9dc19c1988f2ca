#include "milter_wire.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace authmilter::fuzz {
namespace {

// What a script may grow to: more than any limit of the daemon's that a script is to reach, and
// less than a socket holds, so that nobody waits for anybody.
constexpr std::size_t kOctets = 128 * 1024;
constexpr std::size_t kRepeats = 2000;
constexpr std::size_t kLengthOctets = 4;
constexpr std::uint32_t kLargestPacket = 1U << 20U;
constexpr std::uint32_t kLargestNumber = 0x7fffffff;

/// Takes a word and the blank behind it.
std::string_view take_word(std::string_view& text) {
  const std::size_t at = text.find(' ');
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return word;
}

std::uint32_t number(std::string_view text, int base) {
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

std::string big_endian(std::uint32_t value) {
  std::string out;
  for (unsigned shift = 32; shift != 0; shift -= 8) {
    out += static_cast<char>(static_cast<unsigned char>(value >> (shift - 8)));
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case '0':
        out += '\0';
        break;
      case 'x':
        out += static_cast<char>(static_cast<unsigned char>(number(text.substr(i + 1, 2), 16)));
        i += std::min<std::size_t>(2, text.size() - i - 1);
        break;
      default:
        out += text[i];
    }
  }
  return out;
}

/// `separator` becomes the NUL that ends a string of the protocol.
std::string strings(std::string_view text, char separator) {
  std::string out = unescaped(text) + '\0';
  std::replace(out.begin(), out.end(), separator, '\0');
  return out;
}

std::string connection(std::string_view text) {
  const std::string_view host = take_word(text);
  const std::string_view family = take_word(text);
  std::string data = unescaped(host) + '\0' + (family.empty() ? 'U' : family.front());
  if (data.back() == 'U') return data;
  return data + std::string(2, '\x19') + strings(text, '\0');
}

std::string macros(std::string_view text) {
  std::string data = strings(text, '|');
  std::replace(data.begin(), data.end(), '=', '\0');
  return data;
}

std::string field(std::string_view text) {
  const std::size_t colon = text.find(':');
  std::string data = unescaped(text.substr(0, colon)) + '\0';
  if (colon != std::string_view::npos) data += unescaped(text.substr(colon + 1));
  return data + '\0';
}

std::string negotiation(std::string_view text) {
  std::string data;
  for (int i = 0; i < 3; ++i) data += big_endian(number(take_word(text), 16));
  return data;
}

std::string data_of(char command, std::string_view text) {
  switch (command) {
    case 'O':
      return negotiation(text);
    case 'C':
      return connection(text);
    case 'D':
      return macros(text);
    case 'L':
      return field(text);
    case 'M':
    case 'R':
      return strings(text, ' ');
    case 'H':
      return strings(text, '\0');
    default:
      return unescaped(text);
  }
}

std::string read_line(std::string_view line) {
  const char first = line.front();
  line.remove_prefix(1);
  if (first == '!') return unescaped(line);
  if (first == '#') {
    const std::uint32_t length = number(take_word(line), 10);
    return big_endian(length) + unescaped(line);
  }
  if (first == '=') {
    const std::string octets = unescaped(line);
    return octets.empty() ? "" : encoded({octets.front(), octets.substr(1)});
  }
  if (line.starts_with(' ')) line.remove_prefix(1);
  return encoded({first, data_of(first, line)});
}

}  // namespace

std::string encoded(const Packet& packet) {
  return big_endian(static_cast<std::uint32_t>(packet.data.size() + 1)) + packet.command +
         packet.data;
}

std::string read_script(std::string_view script) {
  std::string octets;
  for (std::string_view line : split(script, '\n')) {
    std::size_t times = 1;
    if (line.starts_with('*')) {
      line.remove_prefix(1);
      times = std::min<std::size_t>(kRepeats, number(take_word(line), 10));
    }
    if (line.empty()) continue;
    const std::string packet = read_line(line);
    for (; times != 0 && octets.size() + packet.size() <= kOctets; --times) octets += packet;
  }
  return octets;
}

Packets read_packets(std::string_view octets) {
  Packets read;
  while (octets.size() > kLengthOctets) {
    // The number has a sign; what is no length stands for a command without data.
    const std::uint32_t number = number_at(octets, 0);
    const std::uint32_t length = number == 0 || number > kLargestNumber ? 1 : number;
    if (length > kLargestPacket || length > octets.size() - kLengthOctets) break;
    octets.remove_prefix(kLengthOctets);
    read.packets.push_back({octets.front(), std::string(octets.substr(1, length - 1))});
    octets.remove_prefix(length);
  }
  read.whole = octets.empty();
  return read;
}

std::uint32_t number_at(std::string_view data, std::size_t offset) {
  if (data.size() < offset + kLengthOctets) return 0;
  std::uint32_t value = 0;
  for (const char c : data.substr(offset, kLengthOctets)) {
    value = value << 8U | static_cast<unsigned char>(c);
  }
  return value;
}

}  // namespace authmilter::fuzz
