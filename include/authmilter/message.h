#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/result.h>

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

/// How much header a sender may make us keep for one message. Above them the message is refused,
/// not judged by its first part.
struct HeaderLimits {
  std::size_t fields = 1000;
  std::size_t total_octets = 256 * 1024;
  // A field of the message with its line ends. Postfix cuts a field at 60,000 octets before any
  // milter sees it; what is cut must be refused for its size, not judged as a forgery.
  std::size_t field_octets = 59'000;
  std::size_t from_octets = 4096;  // unfolded From; beyond it the author domain is invalid
};

/// Why a message has no single Author Domain (RFC 9989 section 5.3.1, 11.5). The tokens are stable.
enum class AuthorDomainError : std::uint8_t {
  no_author_domain,         // no From field, or no mailbox with a domain in it
  multiple_from_fields,     // RFC 5322 section 3.6 allows one
  multiple_author_domains,  // mailboxes of several domains, or two readings of the same field
  invalid_author_domain,    // the field or its domain breaks the grammar
  // Of any field: where another reader sees the header end or another field begin, there may be
  // another From.
  malformed_field_name,   // RFC 5322 section 2.2
  bare_cr_in_header,      // RFC 5322 section 2.2: a CR that no LF follows
  broken_fold_in_header,  // RFC 5322 section 2.2.3: a line end that no blank follows
};
/// "multiple-from-fields" and so on.
std::string_view to_string(AuthorDomainError error);

using AuthorDomainResult = Result<DomainName, AuthorDomainError>;

/// Finds the Author Domain of a message: exactly one From field, whose mailboxes are of one domain
/// (RFC 9989 section 5.3.1). It is read from the raw octets before any RFC 2047 decoding; no
/// groups, no obsolete routes, no Sender or Resent-From instead. Beyond the grammar of RFC 5322
/// only a display name may be sloppy, where no reader can take a part of it for another author. The
/// name may have a single label. Never recurses; `fields` may be anything. A From field of more
/// than `from_octets`, unfolded, names no author.
AuthorDomainResult find_author_domain(const std::vector<HeaderField>& fields,
                                      std::size_t from_octets = HeaderLimits{}.from_octets);

/// Why a path of the envelope is not a mailbox with a domain name.
enum class PathError : std::uint8_t { invalid_local_part, invalid_domain };

/// The reverse-path of the envelope (RFC 5321 section 4.1.2), read once for everyone who acts on
/// it: overrides, SPF and, through SPF, DMARC. A forward-path has the same grammar.
struct ReversePath {
  std::string text;  // as the MTA passed it, with or without angle brackets; never logged unescaped
  bool null = true;  // <>
  std::string local_part;  // what it means: without quotes and escapes; empty in "<@example.org>"
  std::optional<DomainName> domain;  // of a mailbox, and of nothing else
  std::optional<PathError> error;    // exactly when it is neither null nor a mailbox
  bool valid() const { return !error; }
};
/// A local part is opaque to all but its own host (RFC 5321 section 2.3.11), so one that breaks the
/// grammar without a doubt about where it ends is taken ("a..b", "Macro Error"). A source route is
/// ignored (RFC 5321 section 4.1.1.3): the mailbox behind it is meant.
ReversePath parse_reverse_path(std::string_view text);
/// The mailbox of a path as RFC 5321 section 4.1.2 writes it, quoted where it must be: reading it
/// gives the same mailbox. Empty when it has none.
std::string mailbox_text(const ReversePath& path);

/// What a client calls itself (RFC 5321 section 4.1.1.1).
struct Helo {
  std::string text;                  // as sent; empty when there was none; never logged unescaped
  std::optional<DomainName> domain;  // nothing for address literals, and for anything that is not a
                                     // DomainName of two labels or more
};
Helo parse_helo(std::string_view text);

}  // namespace authmilter
