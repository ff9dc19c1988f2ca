#pragma once

#include <cstdint>
#include <span>

#include <authmilter/dns_answer.h>

namespace authmilter {

/// Reads a response message (RFC 1035 section 4) as the answer to `question`, CNAMEs followed.
/// Octets that are no such message give a temperror with the fault `malformed`; nothing is taken
/// from a message that is damaged anywhere before the end of what is needed.
DnsAnswer parse_dns_answer(std::span<const std::uint8_t> message, const DnsQuestion& question);

}  // namespace authmilter
