#include "page/page_text.h"

#include <fmt/format.h>

#include <authmilter/crypto.h>

#include "base/utf8.h"

namespace authmilter {
namespace {

/// CSP Level 3, section 2.3.1: the source of one inline style or script.
std::string hash_source(std::string_view text) {
  if (text.empty()) return "'none'";
  return fmt::format("'sha256-{}'", base64_encode(sha256(text)));
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    out += character.octets == 0 ? kReplacementCharacter : text.substr(0, character.octets);
    text.remove_prefix(character.octets == 0 ? 1 : character.octets);
  }
  return out;
}

std::string content_security_policy(std::string_view style, std::string_view script) {
  // "data:" lets a browser look for no icon.
  return fmt::format(
      "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; "
      "form-action 'none'",
      hash_source(style), hash_source(script));
}

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

std::string csv_field(std::string_view text) {
  std::string field = "\"";
  if (!text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos)
    field += '\'';
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + '"';
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
