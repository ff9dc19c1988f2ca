#pragma once

#include <optional>
#include <string_view>

#include <authmilter/message.h>

namespace authmilter {

/// The Author Domain that the value of a From field names (RFC 9989 section 5.3.1), folds and all,
/// read from the raw octets. What is taken, `D` being one and the same domain throughout:
///
///   a@D                                one mailbox of RFC 5322 section 3.4; its phrase may have
///   dots Name <a@D>                         (section 4.1) and any 8-bit octets a@D, Name <b@D>
///   several: one Author Domain a@D,                               a comma at the end Doe, John
///   <a@D>                    commas in an unquoted name a@D <a@D>    'a@D' <a@D>           the
///   address once more as the name
///
/// All but the first two are taken only where nothing in them is an address to another reader: no
/// '@' in quotes, no comments, no UUCP or '%' routes, no compatibility forms of UTF-8, and the same
/// once RFC 2047 words are decoded. Never recurses; linear time.
AuthorDomainResult read_from_field(std::string_view value);

/// The author's mailbox, where the field has one, by RFC 5322 section 3.4, and no other. None where
/// an encoded word (RFC 2047) begins in its local part: section 5 allows none there, and to readers
/// who decode it all the same it is another mailbox.
std::optional<ReversePath> read_single_author(std::string_view value);

}  // namespace authmilter
