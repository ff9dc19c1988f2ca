#include "config/list_text.h"

#include <algorithm>

namespace authmilter {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// The octet behind the string that begins at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string_view triple = text.substr(at, 3);
  const bool many_lines = triple.size() == 3 && triple[1] == quote && triple[2] == quote;
  const std::size_t length = many_lines ? 3 : 1;
  for (std::size_t i = at + length; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
      continue;
    }
    if (text[i] != quote) continue;
    if (!many_lines) return i + 1;
    if (text.substr(i, 3) != triple) continue;
    // Up to two quotes more may belong to the text.
    i += 3;
    while (i < text.size() && text[i] == quote) ++i;
    return i;
  }
  return text.size();
}

}  // namespace

std::size_t offset_of(std::string_view text, Place place) {
  std::size_t at = 0;
  for (unsigned line = 1; line < place.line; ++line) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return text.size();
    ++at;
  }
  // Columns count characters.
  for (unsigned column = 1; column < place.column && at < text.size(); ++column) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U) ++at;
  }
  return at;
}

std::optional<ListText> find_list(std::string_view text, std::size_t offset) {
  if (offset >= text.size() || text[offset] != '[') return std::nullopt;
  ListText list{{offset, 0}, {}};
  int depth = 1;
  bool inside = false;  // of an element
  for (std::size_t i = offset + 1; i < text.size();) {
    const char c = text[i];
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if (depth == 1 && (c == ',' || c == ']')) {
      inside = false;
      if (c == ']') {
        list.whole.end = i + 1;
        return list;
      }
      ++i;
      continue;
    }
    if (is_blank(c)) {
      ++i;
      continue;
    }
    if (!inside) {
      list.elements.push_back({i, i});
      inside = true;
    }
    if (c == '"' || c == '\'') {
      i = end_of_string(text, i);
    } else {
      if (c == '[' || c == '{') ++depth;
      if (c == ']' || c == '}') --depth;
      ++i;
    }
    list.elements.back().end = i;
  }
  return std::nullopt;
}

}  // namespace authmilter
