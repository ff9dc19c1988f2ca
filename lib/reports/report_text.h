#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace authmilter {

// What becomes of texts that strangers wrote.

/// The longest that is kept of free text: comments, errors, contacts.
constexpr std::size_t kMostFreeText = 1000;
/// Of names, which have at most 253 octets where they are any; identities and report ids too.
constexpr std::size_t kMostName = 255;

/// As a value holds it: valid UTF-8 without control characters, and without those that turn the
/// direction of what is printed; blanks at the ends taken off, and at most so many octets, cut
/// between characters.
std::string clean_text(std::string_view text, std::size_t most_octets = kMostFreeText);

/// A domain or another name, in lower case.
std::string clean_name(std::string_view text);

/// A whole number in decimal digits; blanks around it are none of it. Nothing for all else, and for
/// what does not fit.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return std::nullopt;
  text = text.substr(start, text.find_last_not_of(" \t\r\n") + 1 - start);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace authmilter
