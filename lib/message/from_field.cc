#include "message/from_field.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ascii.h"
#include "message/decoded.h"
#include "message/syntax.h"

namespace authmilter {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr auto kInvalid = AuthorDomainError::invalid_author_domain;

/// A piece of an address field. `kind` is kAtom, or else the character it starts with.
struct Token {
  char kind;
  std::string_view text;
};
constexpr char kAtom = 'a';  // a run of atext and dots, so no other piece starts with it
using Tokens = std::vector<Token>;
using TokenSpan = std::span<const Token>;

/// The pieces without the blanks and comments between them; nothing when a quoted string or a
/// comment does not end, or a control character is there.
std::optional<Tokens> tokenize(std::string_view value) {
  Tokens tokens;
  for (std::size_t at = skip_cfws(value, 0); at != value.size(); at = skip_cfws(value, at)) {
    if (at == npos) return std::nullopt;
    const std::size_t start = at;
    char kind = value[at];
    if (kind == '"') {
      at = skip_quoted_string(value, at);
      if (at == npos) return std::nullopt;
    } else if (is_atext(kind) || kind == '.') {
      while (at < value.size() && (is_atext(value[at]) || value[at] == '.')) ++at;
      kind = kAtom;
    } else if (is_visible(kind)) {
      ++at;
    } else {
      return std::nullopt;
    }
    tokens.push_back({kind, value.substr(start, at - start)});
  }
  return tokens;
}

std::string shape_of(TokenSpan tokens) {
  std::string shape;
  for (const Token& token : tokens) shape += token.kind;
  return shape;
}

/// An addr-spec: local part, '@', domain.
struct Address {
  std::string_view local_part;
  std::string_view domain;
};

std::optional<Address> addr_spec(TokenSpan tokens) {
  const std::string shape = shape_of(tokens);
  if (shape != "a@a" && shape != "\"@a") return std::nullopt;
  if (tokens[0].kind == kAtom && !is_dot_atom(tokens[0].text)) return std::nullopt;
  return Address{tokens[0].text, tokens[2].text};
}

/// The addr-spec of pieces that end in one in brackets, and what stands before it.
struct NamedAddress {
  TokenSpan name;
  Address address;
};

std::optional<NamedAddress> named_address(TokenSpan tokens) {
  constexpr std::size_t kBracketed = 5;  // "<a@a>"
  if (tokens.size() < kBracketed) return std::nullopt;
  const TokenSpan end = tokens.last(kBracketed);
  const auto address = addr_spec(end.subspan(1, 3));
  if (!address || end.front().kind != '<' || end.back().kind != '>') return std::nullopt;
  return NamedAddress{tokens.first(tokens.size() - kBracketed), *address};
}

/// The address, when the pieces are exactly one mailbox of RFC 5322 section 3.4: an addr-spec, or
/// one in brackets behind an optional phrase. No other obsolete form is taken, and no groups.
std::optional<Address> mailbox(TokenSpan tokens) {
  if (const auto address = addr_spec(tokens)) return address;
  const auto named = named_address(tokens);
  if (!named) return std::nullopt;
  const bool phrase = std::all_of(named->name.begin(), named->name.end(), [](const Token& token) {
    return token.kind == kAtom || token.kind == '"';
  });
  return phrase ? std::optional(named->address) : std::nullopt;
}

std::vector<TokenSpan> split_at_commas(TokenSpan tokens) {
  std::vector<TokenSpan> pieces;
  for (;;) {
    const auto comma = std::find_if(tokens.begin(), tokens.end(),
                                    [](const Token& token) { return token.kind == ','; });
    const auto size = static_cast<std::size_t>(comma - tokens.begin());
    pieces.push_back(tokens.first(size));
    if (comma == tokens.end()) return pieces;
    tokens = tokens.subspan(size + 1);
  }
}

/// A word of a display name that nobody takes for an address: UUCP has `host!user`, old gateways
/// `user%host`; the block of U+F000 to U+FFFF holds wide and small forms of '@' and '<'.
bool is_plain_word(std::string_view word) {
  while (!word.empty()) {
    const std::size_t length = (word.front() & '\x80') == 0 ? 1 : utf8_sequence(word);
    if (length == 0 || word.front() == '\xef' || word.front() == '!' || word.front() == '%')
      return false;
    word.remove_prefix(length);
  }
  return true;
}

/// "Doe, John <a@D>"
std::optional<Address> behind_name_with_commas(TokenSpan tokens) {
  const auto named = named_address(tokens);
  if (!named || named->name.empty() || named->name.front().kind != kAtom) return std::nullopt;
  const bool bare = std::all_of(named->name.begin(), named->name.end(), [](const Token& token) {
    return token.kind == ',' || token.kind == kAtom;
  });
  return bare ? std::optional(named->address) : std::nullopt;
}

/// "a@D <a@D>", as some programs fill in a name that they do not have.
std::optional<Address> named_by_itself(TokenSpan tokens) {
  const auto named = named_address(tokens);
  auto name = named ? addr_spec(named->name) : std::nullopt;
  if (!name) return std::nullopt;
  if (name->local_part.starts_with('\'') && name->domain.ends_with('\'')) {
    name->local_part.remove_prefix(1);
    name->domain.remove_suffix(1);
  }
  const bool same = equals_ignoring_case(name->local_part, named->address.local_part) &&
                    equals_ignoring_case(name->domain, named->address.domain);
  return same ? std::optional(named->address) : std::nullopt;
}

AuthorDomainResult author_domain(std::string_view text) {
  auto domain = DomainName::parse(text);
  // A name that `_dmarc.` does not fit before cannot be asked for its policy, and must not pass for
  // one without.
  if (!domain || !domain->below("_dmarc")) return kInvalid;
  return *std::move(domain);
}

/// RFC 9989 section 5.3.1: the one domain of all mailboxes. Nothing when a piece is not a mailbox
/// of a domain name.
std::optional<AuthorDomainResult> read_list(TokenSpan tokens) {
  std::optional<AuthorDomainResult> common;
  for (const TokenSpan piece : split_at_commas(tokens)) {
    const auto address = mailbox(piece);
    if (!address) return std::nullopt;
    auto domain = author_domain(address->domain);
    if (!domain) return std::nullopt;
    if (common && *common != domain) return AuthorDomainError::multiple_author_domains;
    common = std::move(domain);
  }
  return common;
}

std::size_t count(std::string_view text, char c) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), c));
}

/// What is taken beyond a single mailbox. Nothing may be hidden there that another reader could
/// find and take for an address: no '@' in quotes, no comments, only plain words.
std::optional<AuthorDomainResult> read_plain(std::string_view value) {
  const auto tokens = tokenize(value);
  if (!tokens || tokens->empty() || value.find('(') != npos) return std::nullopt;
  if (count(value, '@') != count(shape_of(*tokens), '@')) return std::nullopt;
  const bool plain = std::all_of(tokens->begin(), tokens->end(),
                                 [](const Token& token) { return is_plain_word(token.text); });
  if (!plain) return std::nullopt;
  TokenSpan pieces = *tokens;
  if (pieces.back().kind == ',') pieces = pieces.first(pieces.size() - 1);
  if (auto result = read_list(pieces)) return result;
  if (const auto address = behind_name_with_commas(pieces)) return author_domain(address->domain);
  if (const auto address = named_by_itself(pieces)) return author_domain(address->domain);
  return std::nullopt;
}

}  // namespace

AuthorDomainResult read_from_field(std::string_view value) {
  const auto tokens = tokenize(value);
  if (!tokens) return kInvalid;
  const std::size_t ats = count(shape_of(*tokens), '@');
  if (ats == 0) return AuthorDomainError::no_author_domain;
  if (const auto address = mailbox(*tokens)) return author_domain(address->domain);
  // Also for those who decode RFC 2047 words first it must be the same.
  const auto decoded = decoded_value(value);
  const auto result = decoded ? read_plain(value) : std::nullopt;
  if (result && (*decoded == value || read_plain(*decoded) == result)) return *result;
  // Two '@' that no quotes and no comment hide are two addresses to one reader or another: groups,
  // source routes, text around the brackets, addresses in the phrase.
  return ats > 1 ? AuthorDomainError::multiple_author_domains : kInvalid;
}

std::optional<ReversePath> read_single_author(std::string_view value) {
  const auto tokens = tokenize(value);
  const auto address = tokens ? mailbox(*tokens) : std::nullopt;
  if (!address || !author_domain(address->domain)) return std::nullopt;
  ReversePath path =
      parse_reverse_path(std::string(address->local_part) + "@" + std::string(address->domain));
  const bool plain = path.local_part.find("=?") == npos;
  return path.domain && plain ? std::optional(std::move(path)) : std::nullopt;
}

}  // namespace authmilter
