#include "message/syntax.h"

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr auto npos = std::string_view::npos;

// RFC 5322 sets no limit to nested comments. Real mail does not nest them; a thousand levels are
// there to exhaust a stack or a patience.
constexpr std::size_t kCommentDepth = 20;

bool is_control(char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }

/// What may follow a backslash, and what quoted strings and comments are made of.
bool is_text(char c) { return !is_control(c) || is_wsp(c); }

std::size_t skip_comment(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\') {
      if (++at == text.size() || !is_text(text[at])) return npos;
    } else if (c == '(') {
      if (++depth > kCommentDepth) return npos;
    } else if (c == ')') {
      if (--depth == 0) return at + 1;
    } else if (!is_text(c) && !is_fws(c)) {
      return npos;
    }
  }
  return npos;
}

}  // namespace

bool is_atext(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~";
  return is_alnum(c) || (c & '\x80') != 0 || kMarks.find(c) != npos;
}

std::size_t utf8_sequence(std::string_view text) {
  const auto octet = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = octet(0);
  const std::size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                             : first >= 0xe0 && first <= 0xef ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (octet(i) < 0x80 || octet(i) > 0xbf) return 0;
  }
  // Overlong forms, surrogates, and what is beyond U+10FFFF.
  if ((first == 0xe0 && octet(1) < 0xa0) || (first == 0xed && octet(1) > 0x9f) ||
      (first == 0xf0 && octet(1) < 0x90) || (first == 0xf4 && octet(1) > 0x8f)) {
    return 0;
  }
  return length;
}

bool is_dot_atom(std::string_view text) {
  bool after_atext = false;
  for (const char c : text) {
    if (c != '.' && !is_atext(c)) return false;
    if (c == '.' && !after_atext) return false;
    after_atext = c != '.';
  }
  return after_atext;
}

std::size_t skip_quoted_string(std::string_view text, std::size_t at) {
  if (at >= text.size() || text[at] != '"') return npos;
  for (++at; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') return at + 1;
    if (c == '\\') {
      if (++at == text.size() || !is_text(text[at])) return npos;
    } else if (!is_text(c) && !is_fws(c)) {
      return npos;
    }
  }
  return npos;
}

std::size_t skip_cfws(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    if (is_fws(text[at])) {
      ++at;
    } else if (text[at] == '(') {
      at = skip_comment(text, at);
    } else {
      return at;
    }
  }
  return at;
}

}  // namespace authmilter
