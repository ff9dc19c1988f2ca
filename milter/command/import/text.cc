#include "import/text.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <authmilter/toml_literal.h>

namespace authmilter::importer {
namespace {

char lower_letter(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_letter);
  return out;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower_letter(x) == lower_letter(y); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string> pieces(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t at = text.find(separator);
    const std::string_view piece = trim(text.substr(0, at));
    if (!piece.empty()) out.emplace_back(piece);
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

Words first_word(std::string_view text) {
  text = trim(text);
  const auto end = std::find_if(text.begin(), text.end(), is_blank);
  const auto size = static_cast<std::size_t>(end - text.begin());
  return {text.substr(0, size), trim(text.substr(size))};
}

std::string join(const std::vector<std::string>& members, std::string_view separator) {
  return fmt::format("{}", fmt::join(members, separator));
}

std::optional<long> parse_integer(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.front() == '0') {
    base = 8;
  }
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> parse_boolean(std::string_view text) {
  constexpr std::string_view kTrue = "TtYy1";
  constexpr std::string_view kFalse = "FfNn0";
  if (text.empty()) return std::nullopt;
  if (kTrue.find(text.front()) != std::string_view::npos) return true;
  if (kFalse.find(text.front()) != std::string_view::npos) return false;
  return std::nullopt;
}

bool matches_wildcard(std::string_view text, std::string_view pattern) {
  constexpr auto kNone = std::string_view::npos;
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  // Where the last '*' stands, and up to where it has swallowed the text.
  std::size_t star = kNone;
  std::size_t swallowed = 0;
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      swallowed = at;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == text[at]) {
      ++in_pattern;
      ++at;
    } else if (star != kNone) {
      in_pattern = star + 1;
      at = ++swallowed;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == kNone;
}

std::string shell_word(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-").find(c) != std::string_view::npos;
  });
  if (plain && !text.empty()) return std::string(text);
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string quoted_list(const std::vector<std::string>& members) {
  std::vector<std::string> literals;
  std::transform(members.begin(), members.end(), std::back_inserter(literals),
                 [](const std::string& member) { return literal(member); });
  const std::string line = "[" + join(literals, ", ") + "]";
  constexpr std::size_t kLine = 88;
  if (line.size() <= kLine) return line;
  return "[\n  " + join(literals, ",\n  ") + ",\n]";
}

}  // namespace authmilter::importer
