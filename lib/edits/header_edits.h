#pragma once

#include <authmilter/config.h>
#include <authmilter/envelope.h>
#include <authmilter/header_edit.h>
#include <authmilter/message.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter {

/// The field that says why a message was tagged. Ours and our border servers': one that arrives
/// from outside is removed.
inline constexpr std::string_view kVerdictField = "X-Authmilter-Verdict";

/// A field's value in the milter's form: lines end in LF, the blank after the colon is not part of
/// it.
std::string milter_value(std::string_view value);

/// True for the names that a removal may concern, whatever the field says.
bool may_be_forged(const HeaderField& field);

/// What becomes of fields in our name that speak against the message: with mail that comes back
/// through this host they are what we found out when it came in, and its next reader needs to know.
enum class AdverseFields { removed, kept };

/// Removals of the fields that claim to come from this filter (RFC 8601 section 5), highest index
/// first, so that each index still counts what it counted when the message arrived.
std::vector<HeaderEdit> removals_of_forged_fields(const std::vector<HeaderField>& fields,
                                                  const Envelope& envelope, const Config& config,
                                                  AdverseFields adverse = AdverseFields::removed);

/// A results field of ours that says that the message was judged before, for one that comes back
/// and from which removals_of_forged_fields() takes, with AdverseFields::kept, every field of ours
/// that may have spoken against it: one that a program has rewritten on the way, or that is too
/// long to be read. Without it the message would look new when it comes back once more. Nothing
/// where such a field stays, or all that are taken away vouched for `author`.
std::optional<HeaderEdit> judgement_to_restore(const std::vector<HeaderField>& fields,
                                               const Envelope& envelope, const Config& config,
                                               const std::optional<DomainName>& author);

/// The changes that mark a suspicious message: the verdict field and, if configured, the Subject
/// prefix.
std::vector<HeaderEdit> tag_edits(const std::vector<HeaderField>& fields, const Config& config,
                                  std::string_view reason);

}  // namespace authmilter
