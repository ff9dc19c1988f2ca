#include <authmilter/message.h>

#include <algorithm>

#include "base/ascii.h"
#include "message/from_field.h"

namespace authmilter {
namespace {

/// RFC 5322 section 2.2, and the blanks before the colon of its section 4.5. A name with anything
/// else in it is read in different ways by different programs.
bool is_clean_name(std::string_view name) {
  while (!name.empty() && is_wsp(name.back())) name.remove_suffix(1);
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_visible(c) && c != ':'; });
}

/// True for each name that someone may take for From: whatever is not ftext does not count.
bool may_be_from(std::string_view name) {
  std::string_view left = "from";
  for (const char c : name) {
    if (!is_visible(c)) continue;
    if (left.empty() || to_lower(c) != left.front()) return false;
    left.remove_prefix(1);
  }
  return left.empty();
}

std::size_t find_line_end(std::string_view value, std::size_t from) {
  while (from < value.size() && value[from] != '\r' && value[from] != '\n') ++from;
  return from;
}

/// RFC 5322 sections 2.2 and 2.2.3: CR and LF stand in a field only together, and only before a
/// blank.
std::optional<AuthorDomainError> line_error(std::string_view value) {
  for (std::size_t at = find_line_end(value, 0); at < value.size();
       at = find_line_end(value, at + 2)) {
    if (value[at] == '\r' && (at + 1 == value.size() || value[at + 1] != '\n'))
      return AuthorDomainError::bare_cr_in_header;
    if (value[at] == '\n' || at + 2 == value.size() || !is_wsp(value[at + 2]))
      return AuthorDomainError::broken_fold_in_header;
  }
  return std::nullopt;
}

std::optional<AuthorDomainError> field_error(const HeaderField& field) {
  if (!is_clean_name(field.name)) return AuthorDomainError::malformed_field_name;
  return line_error(field.value);
}

std::size_t unfolded_size(std::string_view value) {
  return value.size() -
         static_cast<std::size_t>(std::count_if(value.begin(), value.end(),
                                                [](char c) { return c == '\r' || c == '\n'; }));
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
    case AuthorDomainError::malformed_field_name:
      return "malformed-field-name";
    case AuthorDomainError::bare_cr_in_header:
      return "bare-cr-in-header";
    case AuthorDomainError::broken_fold_in_header:
      return "broken-fold-in-header";
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
  for (const HeaderField& field : fields) {
    if (const auto error = field_error(field)) return *error;
  }
  if (unfolded_size(from->value) > from_octets) return AuthorDomainError::invalid_author_domain;
  return read_from_field(from->value);
}

}  // namespace authmilter
