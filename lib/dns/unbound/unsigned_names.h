#pragma once

#include <array>

#include <authmilter/dns_name.h>

namespace authmilter {

/// RFC 6761, RFC 7686, RFC 8375 and names in private use: the root says that they do not exist, an
/// upstream that serves one of them all the same cannot have signed it.
inline constexpr std::array kNeverSigned = {"test",  "invalid",  "localhost", "onion",
                                            "local", "internal", "home.arpa"};

/// Whether `name` is one of these or below it.
bool is_never_signed(const DnsName& name);

}  // namespace authmilter
