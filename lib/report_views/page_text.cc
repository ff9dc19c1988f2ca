#include "report_views/page_text.h"

#include <fmt/format.h>

namespace authmilter {
std::string html_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        // A NUL is an error of HTML, other controls are nothing to see.
        out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return out;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    const bool markup = c == '<' || c == '>' || c == '&';
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[at];
    } else if (c < ' ' || c == 0x7f || markup) {
      out += fmt::format("\\u{:04x}", c);
    } else if (text.substr(at, 3) == "\xe2\x80\xa8" || text.substr(at, 3) == "\xe2\x80\xa9") {
      // U+2028 and U+2029 end lines in JavaScript before ECMAScript 2019.
      out += text[at + 2] == '\xa8' ? "\\u2028" : "\\u2029";
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out + '"';
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

}  // namespace authmilter
