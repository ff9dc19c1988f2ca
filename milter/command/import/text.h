#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter::importer {

// What OpenDKIM and OpenDMARC take for blanks, letters and numbers: ASCII, whatever the locale.

std::string lower(std::string_view text);
bool same_word(std::string_view a, std::string_view b);
std::string_view trim(std::string_view text);
/// The pieces between separators, trimmed; empty ones are left out.
std::vector<std::string> pieces(std::string_view text, char separator);
/// The first word, and what follows it behind blanks.
struct Words {
  std::string_view first;
  std::string_view rest;
};
Words first_word(std::string_view text);
std::string join(const std::vector<std::string>& members, std::string_view separator);

/// C's notation: octal behind "0", hexadecimal behind "0x".
std::optional<long> parse_integer(std::string_view text);
/// By the first character alone, as both programs do.
std::optional<bool> parse_boolean(std::string_view text);

/// True when `text` equals `pattern`, in which each '*' stands for any text. Case counts.
bool matches_wildcard(std::string_view text, std::string_view pattern);

/// Text that a POSIX shell takes for one word and nothing else, whatever is in it.
std::string shell_word(std::string_view text);
/// Of TOML, over several lines where one would be long.
std::string quoted_list(const std::vector<std::string>& members);

}  // namespace authmilter::importer
