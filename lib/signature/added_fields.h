#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "signature/header_hash.h"

namespace authmilter {

/// Which of the fields that a mail program shows, answers to, or reads the body by have come on top
/// of what a signature covers, lower case and each once: more of a field than it names, which takes
/// them from the bottom (RFC 6376 section 5.4.2), or one that it does not name and that stands
/// above it, where signers put their field on top (section 5.6). `names` is its h=, `place` where
/// it stands among `fields`.
std::vector<std::string> added_fields(const std::vector<MessageField>& fields,
                                      const std::vector<std::string>& names, std::size_t place);

/// Those, and From, Subject, Date and Reply-To that it does not name wherever they stand: what a
/// signature has to cover whose word is believed about somebody else's mail.
std::vector<std::string> uncovered_fields(const std::vector<MessageField>& fields,
                                          const std::vector<std::string>& names, std::size_t place);

/// Whether the message has one List-Id field, which a signature names, and no uncovered_fields().
bool covers_list_id(const std::vector<MessageField>& fields, const std::vector<std::string>& names,
                    std::size_t place);

}  // namespace authmilter
