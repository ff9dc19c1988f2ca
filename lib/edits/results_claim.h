#pragma once

#include <authmilter/config.h>
#include <authmilter/domain_name.h>
#include <authmilter/message.h>

#include <string_view>

namespace authmilter {

// What an Authentication-Results field says that is in a message already. Fields in our name are
// removed from what comes from outside, so that those in mail from inside are ours, or the sender's
// own invention.

/// True when the field bears `authserv_id`, in any spelling: a reader takes it for the one of that
/// name, whether it goes on as RFC 8601 section 2.2 has it or not. Other than claims_to_be_ours()
/// false for a field without any name, as some large senders write.
bool bears_name(std::string_view value, const DomainName& authserv_id);

/// True when the field says that `author` is who wrote the message: dmarc=pass with header.from
/// (RFC 9989 section 8.1) for it, and no other DMARC result.
bool vouches_for(std::string_view value, const DomainName& author);

/// True when no reader can take a field under `authserv_id` for good news: it can be read, and has
/// a DMARC result, but none that is a pass; nor does it hold anything that a reader who goes by
/// lines, or decodes before it reads, could take for another field of that name.
bool speaks_against(std::string_view value, const DomainName& authserv_id);

/// True when a results field of ours, or of a border server that is trusted, is among `fields` and
/// does not vouch for `author`: the message came from outside, and was not found to be the
/// author's.
bool judged_and_not_vouched_for(const std::vector<HeaderField>& fields, const DomainName& author,
                                const Config& config);

}  // namespace authmilter
