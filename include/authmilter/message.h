#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <authmilter/domain_name.h>

namespace authmilter {

/// One header field as it stands in the message (RFC 5322 section 2.2): `value` is every octet
/// after the colon, leading blank included, folded with CRLF, without the final CRLF.
struct HeaderField {
  std::string name;
  std::string value;
  bool operator==(const HeaderField&) const = default;
};

/// Makes a field from what an MTA hands over: LF line ends in the value become CRLF.
HeaderField make_header_field(std::string_view name, std::string_view value);

/// ASCII case-insensitive; blanks around `field.name` do not hide a field (RFC 5322 section 4.5
/// allows them before the colon, and some MTAs deliver them).
bool has_name(const HeaderField& field, std::string_view name);

/// A message text split as an MTA does it: the header ends at an empty line, or before the first
/// line that is neither a field nor a continuation. CRLF, LF and a mixture are accepted; `body`
/// keeps its octets.
struct Message {
  std::vector<HeaderField> fields;
  std::string body;
};
Message parse_message(std::string_view text);

/// How much header a sender may make us keep for one message. Above them the message is refused, not
/// judged by its first part.
struct HeaderLimits {
  std::size_t fields = 1000;
  std::size_t total_octets = 256 * 1024;
  // A field of the message with its line ends. Postfix cuts a field at 60,000 octets before any
  // milter sees it; what is cut must be refused for its size, not judged as a forgery.
  std::size_t field_octets = 59'000;
  std::size_t from_octets = 4096;  // unfolded From; beyond it the author domain is invalid
};

/// Why a message has no single Author Domain (RFC 9989 section 5.3.1, 11.5). The tokens are stable.
enum class AuthorDomainError {
  no_author_domain,         // no From field, or no mailbox with a domain in it
  multiple_from_fields,     // RFC 5322 section 3.6 allows one
  multiple_author_domains,  // more than one mailbox, or two readings of the same field
  invalid_author_domain,    // the field or its domain breaks the grammar
};
/// "multiple-from-fields" and so on.
std::string_view to_string(AuthorDomainError error);

struct AuthorDomain {
  DomainName domain;
  bool operator==(const AuthorDomain&) const = default;
};
using AuthorDomainResult = std::variant<AuthorDomain, AuthorDomainError>;

/// Finds the Author Domain of a message: exactly one From field that holds exactly one mailbox,
/// read from the raw octets by a strict RFC 5322 grammar before any RFC 2047 decoding; no groups,
/// no obsolete routes, no Sender or Resent-From instead. Never recurses; `fields` may be anything.
/// A From field of more than `from_octets`, unfolded, names no author.
AuthorDomainResult find_author_domain(const std::vector<HeaderField>& fields,
                                      std::size_t from_octets = HeaderLimits{}.from_octets);

/// The reverse-path of the envelope (RFC 5321 section 4.1.2), as an MTA passes it: with or without
/// angle brackets.
struct ReversePath {
  bool null = false;  // <>
  std::string
      local_part;  // as written, quotes included; never logged unescaped or printed in results
  std::optional<DomainName> domain;  // nothing: null, or not a mailbox by the strict grammar
  bool valid() const { return null || domain.has_value(); }
};
ReversePath parse_reverse_path(std::string_view text);

/// The HELO name: nothing for address literals and for anything that is no DomainName of two labels
/// or more.
std::optional<DomainName> parse_helo(std::string_view text);

}  // namespace authmilter
