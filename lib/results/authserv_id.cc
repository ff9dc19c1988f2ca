#include <authmilter/authentication_results.h>

#include <algorithm>

#include "base/ascii.h"
#include "message/decoded.h"
#include "results/lexer.h"

namespace authmilter {
namespace {

std::string normalized(std::string_view id) {
  id = trim_wsp(id);
  if (id.ends_with('.')) id.remove_suffix(1);
  return to_lower(id);
}

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_printable);
}

/// True for a line that a reader who looks at lines may take for the start of a field of `name`.
bool begins_with_name(std::string_view line, std::string_view name) {
  while (!line.empty() && (is_wsp(line.front()) || line.front() == '"')) line.remove_prefix(1);
  if (!starts_with_ignoring_case(line, name)) return false;
  line.remove_prefix(name.size());
  if (line.starts_with('.')) line.remove_prefix(1);
  return line.empty() || !(is_alnum(line.front()) || line.front() == '-' || line.front() == '_');
}

/// Where a line ends for some reader, or npos. Compared octet by octet: find_first_of() takes a
/// call for each.
std::size_t line_end(std::string_view text) {
  const auto end = std::find_if(text.begin(), text.end(), [](char c) {
    return c == '\r' || c == '\n' || c == '\v' || c == '\f';
  });
  return end == text.end() ? std::string_view::npos : static_cast<std::size_t>(end - text.begin());
}

/// RFC 8601 section 5 speaks of the field's own name. There are readers that look for it at the
/// start of any line, and some that decode RFC 2047 words first; they shall not find ours.
bool has_line_with_name(std::string_view value, std::string_view name) {
  const bool encoded = value.find("=?") != std::string_view::npos;
  if (!encoded && line_end(value) == std::string_view::npos) return false;
  const auto decoded = decoded_value(value);
  if (!decoded) return true;
  std::string_view rest = *decoded;
  // The first line is the one that has been read by its grammar, unless words in it are decoded.
  bool is_read = value.starts_with(rest.substr(0, line_end(rest)));
  for (;;) {
    const std::size_t end = line_end(rest);
    if (!is_read && begins_with_name(rest.substr(0, end), name)) return true;
    if (end == std::string_view::npos) return false;
    is_read = false;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<std::string> parse_authserv_id(std::string_view value) {
  if (value.size() > kResultsFieldOctets) return std::nullopt;
  ResultsLexer lexer(value);
  lexer.skip();
  const auto id = lexer.take_value();
  if (!id) return std::nullopt;
  if (lexer.skip()) {
    lexer.take_digits();
    lexer.skip();
  }
  // Where something else follows, readers disagree on where the name ends.
  if (!lexer.at_end() && !lexer.at(';')) return std::nullopt;
  auto name = normalized(*id);
  if (name.empty()) return std::nullopt;
  return name;
}

bool claims_to_be_ours(std::string_view value, const DomainName& authserv_id) {
  // RFC 8601 section 5: a field from outside with our name must go; so must one that some reader
  // may take for such a field.
  const auto id = parse_authserv_id(value);
  if (!id || has_line_with_name(value, authserv_id.text())) return true;
  const auto theirs = DomainName::parse(*id);
  return theirs ? *theirs == authserv_id : !is_printable_ascii(*id);
}

}  // namespace authmilter
