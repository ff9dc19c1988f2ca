#include "dns/zone/master_lexer.h"

#include "base/ascii.h"

namespace authmilter {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool ends_word(char c) {
  return is_blank(c) || c == '\n' || c == ';' || c == '(' || c == ')' || c == '"';
}

}  // namespace

Result<std::optional<MasterEntry>> MasterLexer::next() {
  while (!at_end()) {
    MasterEntry entry;
    entry.line = line_;
    entry.leading_blank = is_blank(text_[position_]);
    const auto read = read_entry(entry);
    if (!read) return read.error();
    if (!entry.tokens.empty()) return std::optional(std::move(entry));
  }
  return std::optional<MasterEntry>();
}

/// Reads up to the end of line that is outside of parentheses, and over it.
Result<Done> MasterLexer::read_entry(MasterEntry& entry) {
  bool inside_parentheses = false;
  while (!at_end()) {
    const char c = text_[position_];
    if (c == '\n') {
      ++position_;
      ++line_;
      if (!inside_parentheses) return Done{};
    } else if (is_blank(c)) {
      ++position_;
    } else if (c == ';') {
      while (!at_end() && text_[position_] != '\n') ++position_;
    } else if (c == '(' || c == ')') {
      if (inside_parentheses == (c == '(')) return Error{"unbalanced parenthesis"};
      inside_parentheses = c == '(';
      ++position_;
    } else {
      const auto token = read_token();
      if (!token) return token.error();
      entry.tokens.push_back(*token);
    }
  }
  if (inside_parentheses) return Error{"unbalanced parenthesis"};
  return Done{};
}

Result<MasterToken> MasterLexer::read_token() {
  const bool quoted = text_[position_] == '"';
  if (quoted) ++position_;
  const std::size_t begin = position_;
  while (!at_end()) {
    const char c = text_[position_];
    if (quoted ? c == '"' : ends_word(c)) break;
    if (c == '\n') return Error{"quoted string without an end"};
    if (c == '\\') {
      ++position_;
      if (at_end() || text_[position_] == '\n') return Error{"backslash at the end of the line"};
    }
    ++position_;
  }
  const MasterToken token{text_.substr(begin, position_ - begin), quoted};
  if (!quoted) return token;
  if (at_end()) return Error{"quoted string without an end"};
  ++position_;
  return token;
}

std::optional<char> take_octet(std::string_view& raw) {
  if (raw.empty()) return std::nullopt;
  const char first = raw.front();
  raw.remove_prefix(1);
  if (first != '\\') return first;
  if (raw.empty()) return std::nullopt;
  const char escaped = raw.front();
  if (!is_digit(escaped)) {
    raw.remove_prefix(1);
    return escaped;
  }
  if (raw.size() < 3 || !is_digit(raw[1]) || !is_digit(raw[2])) return std::nullopt;
  const int value = (raw[0] - '0') * 100 + (raw[1] - '0') * 10 + (raw[2] - '0');
  if (value > 255) return std::nullopt;
  raw.remove_prefix(3);
  return static_cast<char>(value);
}

std::optional<std::string> decode_escapes(std::string_view raw) {
  std::string octets;
  while (!raw.empty()) {
    const auto octet = take_octet(raw);
    if (!octet) return std::nullopt;
    octets += *octet;
  }
  return octets;
}

}  // namespace authmilter
