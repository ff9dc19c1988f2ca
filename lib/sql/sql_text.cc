#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sql/sql.h"

namespace authmilter {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

unsigned char octet(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

/// Octets of the well-formed sequence at the front (RFC 3629 section 4); 0 when there is none.
std::size_t sequence(std::string_view text) {
  const unsigned first = octet(text, 0);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  // Neither longer than needed, nor a surrogate, nor above U+10FFFF.
  const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (octet(text, 1) < least || octet(text, 1) > most) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((octet(text, i) & 0xc0U) != 0x80U) return 0;
  }
  return size;
}

}  // namespace

std::string sql_text(std::string_view text, std::size_t limit) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = sequence(text);
    const std::string_view piece = size == 0 ? kReplacement : text.substr(0, size);
    if (out.size() + piece.size() > limit) break;
    out += piece;
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

}  // namespace authmilter
