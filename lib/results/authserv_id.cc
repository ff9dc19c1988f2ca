#include <authmilter/authentication_results.h>

#include <algorithm>

#include "base/ascii.h"
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

bool claims_to_be_ours(std::string_view value, std::string_view authserv_id) {
  // RFC 8601 section 5: a field from outside with our name must go; so must one that some reader
  // may take for such a field.
  const auto id = parse_authserv_id(value);
  if (!id) return true;
  const auto theirs = DomainName::parse(*id);
  const auto ours = DomainName::parse(authserv_id);
  if (theirs && ours) return *theirs == *ours;
  if (!theirs && !is_printable_ascii(*id)) return true;
  return *id == normalized(authserv_id);
}

}  // namespace authmilter
