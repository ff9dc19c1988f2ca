#include "results/lexer.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "message/syntax.h"

namespace authmilter {
namespace {

constexpr auto npos = std::string_view::npos;

/// A table, because a search in a text takes a call for each character.
constexpr auto kTokenChars = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0x21; c < 0x7f; ++c) table[c] = true;
  for (const char special : std::string_view("()<>@,;:\\\"/[]?="))  // tspecials
    table[static_cast<unsigned char>(special)] = false;
  return table;
}();

bool is_token_char(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }

/// The content of a quoted string: folds are gone, `\x` is x.
std::string unquoted(std::string_view quoted) {
  std::string content;
  for (std::size_t at = 1; at + 1 < quoted.size(); ++at) {
    if (quoted[at] == '\\') {
      ++at;
    } else if (quoted[at] == '\r' || quoted[at] == '\n') {
      continue;
    }
    content += quoted[at];
  }
  return content;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_keyword_char(char c) { return is_alnum(c) || c == '-' || c == '_'; }

template <class Predicate>
std::string_view ResultsLexer::run(Predicate belongs) const {
  const auto rest = text_.substr(at_);
  const auto end = std::find_if_not(rest.begin(), rest.end(), belongs);
  return rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
}

bool ResultsLexer::skip() {
  const std::size_t start = at_;
  const std::size_t end = skip_cfws(text_, start);
  if (end != npos) at_ = end;
  return at_ != start;
}

bool ResultsLexer::take(char c) {
  if (!at(c)) return false;
  ++at_;
  return true;
}

std::optional<std::string> ResultsLexer::take_keyword() {
  const auto keyword = run(is_keyword_char);
  if (keyword.empty()) return std::nullopt;
  at_ += keyword.size();
  return to_lower(keyword);
}

std::optional<std::string> ResultsLexer::take_digits() {
  const auto digits = run(is_digit);
  if (digits.empty()) return std::nullopt;
  at_ += digits.size();
  return std::string(digits);
}

std::optional<std::string> ResultsLexer::take_quoted() {
  const std::size_t end = skip_quoted_string(text_, at_);
  if (end == npos) return std::nullopt;
  const auto quoted = text_.substr(at_, end - at_);
  at_ = end;
  return unquoted(quoted);
}

std::optional<std::string> ResultsLexer::take_value() {
  if (at('"')) return take_quoted();
  const auto token = run([](char c) { return is_token_char(c) || (c & '\x80') != 0; });
  if (token.empty()) return std::nullopt;
  at_ += token.size();
  return std::string(token);
}

std::optional<std::string> ResultsLexer::take_property_value() {
  const std::size_t start = at_;
  if (at('"')) {
    auto content = take_quoted();
    if (!content || !at('@')) return content;
  } else {
    at_ += run([](char c) { return is_atext(c) || c == '.'; }).size();
  }
  if (take('@')) {
    const auto domain = run([](char c) { return is_atext(c) || c == '.'; });
    at_ += domain.size();
    if (domain.empty()) at_ = start;
  }
  if (at_ == start) return std::nullopt;
  return std::string(text_.substr(start, at_ - start));
}

}  // namespace authmilter
