#include <authmilter/message.h>

#include <algorithm>
#include <iterator>

#include "base/ascii.h"
#include "message/syntax.h"

namespace authmilter {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr auto kInvalid = AuthorDomainError::invalid_author_domain;

/// RFC 5322 section 2.2, and the blanks before the colon of its section 4.5. A name with anything
/// else in it is read in different ways by different programs.
bool is_clean_name(std::string_view name) {
  while (!name.empty() && is_wsp(name.back())) name.remove_suffix(1);
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_visible(c) && c != ':'; });
}

/// True for each name that someone may take for From: whatever is not ftext does not count.
bool may_be_from(std::string_view name) {
  std::string visible;
  std::copy_if(name.begin(), name.end(), std::back_inserter(visible), is_visible);
  return equals_ignoring_case(visible, "from");
}

/// RFC 5322 section 2.2.3: CR and LF stand in a field only together, and only before a blank.
bool has_clean_folds(std::string_view value) {
  for (std::size_t at = value.find_first_of("\r\n"); at != npos;
       at = value.find_first_of("\r\n", at + 2)) {
    if (value.substr(at, 2) != "\r\n") return false;
    if (at + 2 == value.size() || !is_wsp(value[at + 2])) return false;
  }
  return true;
}

std::size_t unfolded_size(std::string_view value) {
  return value.size() -
         static_cast<std::size_t>(std::count_if(value.begin(), value.end(),
                                                [](char c) { return c == '\r' || c == '\n'; }));
}

/// A piece of an address field. `kind` is kAtom, or else the character it starts with.
struct Token {
  char kind;
  std::string_view text;
};
constexpr char kAtom = 'a';  // a run of atext and dots, so no other piece starts with it

/// The pieces without the blanks and comments between them; nothing when a quoted string or a
/// comment does not end, or a control character is there.
std::optional<std::vector<Token>> tokenize(std::string_view value) {
  std::vector<Token> tokens;
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

/// The domain, when the pieces are exactly one mailbox of RFC 5322 section 3.4: an addr-spec, or
/// one in brackets behind an optional phrase. The phrase may have dots (section 4.1) and octets of
/// any charset; no other obsolete form is taken, and neither are groups.
std::optional<std::string_view> mailbox_domain(const std::vector<Token>& tokens) {
  std::string shape;
  for (const Token& token : tokens) shape += token.kind;
  std::size_t local = 0;
  if (shape != "a@a" && shape != "\"@a") {
    const std::size_t bracket = shape.find_first_not_of("a\"");
    if (bracket == npos) return std::nullopt;
    const auto address = std::string_view(shape).substr(bracket);
    if (address != "<a@a>" && address != "<\"@a>") return std::nullopt;
    local = bracket + 1;
  }
  if (tokens[local].kind == kAtom && !is_dot_atom(tokens[local].text)) return std::nullopt;
  return tokens[local + 2].text;
}

AuthorDomainResult read_from_field(std::string_view value, std::size_t from_octets) {
  if (unfolded_size(value) > from_octets) return kInvalid;
  const auto tokens = tokenize(value);
  if (!tokens) return kInvalid;
  const auto ats = std::count_if(tokens->begin(), tokens->end(),
                                 [](const Token& token) { return token.kind == '@'; });
  if (ats == 0) return AuthorDomainError::no_author_domain;
  const auto text = mailbox_domain(*tokens);
  // Two '@' that no quotes and no comment hide are two addresses to one reader or another: lists,
  // groups, source routes, text around the brackets, addresses in the phrase.
  if (!text) return ats > 1 ? AuthorDomainError::multiple_author_domains : kInvalid;
  auto domain = DomainName::parse(*text);
  // Nobody has a policy for a single label. A name that `_dmarc.` does not fit before cannot be
  // asked for its policy, and must not pass for one without.
  if (!domain || domain->label_count() < 2 || !domain->below("_dmarc")) return kInvalid;
  return AuthorDomain{*std::move(domain)};
}

}  // namespace

std::string_view to_string(AuthorDomainError error) {
  switch (error) {
    case AuthorDomainError::no_author_domain:
      return "no-author-domain";
    case AuthorDomainError::multiple_from_fields:
      return "multiple-from-fields";
    case AuthorDomainError::multiple_author_domains:
      return "multiple-author-domains";
    case AuthorDomainError::invalid_author_domain:
      return "invalid-author-domain";
  }
  return "invalid-author-domain";
}

AuthorDomainResult find_author_domain(const std::vector<HeaderField>& fields,
                                      std::size_t from_octets) {
  const HeaderField* from = nullptr;
  for (const HeaderField& field : fields) {
    if (!may_be_from(field.name)) continue;
    // RFC 5322 section 3.6: one From field. RFC 9989 section 5.3.1 leaves the choice to us what
    // more than one means, and any of them may be the one that is shown.
    if (from != nullptr) return AuthorDomainError::multiple_from_fields;
    from = &field;
  }
  if (from == nullptr) return AuthorDomainError::no_author_domain;
  // A field that may end elsewhere, or be another one, for the next reader may hide a second From.
  const bool clean = std::all_of(fields.begin(), fields.end(), [](const HeaderField& field) {
    return is_clean_name(field.name) && has_clean_folds(field.value);
  });
  return clean ? read_from_field(from->value, from_octets) : kInvalid;
}

}  // namespace authmilter
