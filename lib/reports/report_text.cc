#include "reports/report_text.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/utf8.h"

namespace authmilter {
namespace {

/// C0 and C1 controls, and the separators of lines and paragraphs.
bool is_blank(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029;
}

/// Unicode's Bidi_Control: a text that has one is read in another order than it is written.
bool turns_direction(std::uint32_t code) {
  return code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t most_octets) {
  text = trim_fws(text);
  if (text.size() <= most_octets && std::all_of(text.begin(), text.end(), is_printable)) {
    return std::string(text);
  }
  std::string out;
  while (!text.empty()) {
    const Utf8Character next = first_utf8_character(text);
    std::string character;
    if (next.octets == 0 || turns_direction(next.code)) {
      character = kReplacementCharacter;
    } else if (is_blank(next.code)) {
      character = " ";
    } else {
      character = text.substr(0, next.octets);
    }
    if (out.size() + character.size() > most_octets) break;
    out += character;
    text.remove_prefix(std::max<std::size_t>(next.octets, 1));
  }
  return std::string(trim_fws(out));
}

std::string clean_name(std::string_view text) { return to_lower(clean_text(text, kMostName)); }

}  // namespace authmilter
