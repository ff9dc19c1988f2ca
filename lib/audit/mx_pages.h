#pragma once

#include <string_view>

namespace authmilter {

// What --explain prints of the rules mx.*: paragraphs with an empty line between them.

constexpr std::string_view kMxExistsPage =
    "MX records name the servers that take mail for the domain, in the order in which they are to "
    "be tried. Without them senders try the domain's own address, which is often a web server.\n\n"
    "A domain that sends must also take mail: bounces, and complaints to postmaster, have nowhere "
    "to go otherwise, and many receivers refuse mail from a domain that cannot be answered.\n\n"
    "Publish an MX record with a host that takes mail. A domain without any mail says so by the "
    "null MX record \"MX 0 .\" and the SPF record \"v=spf1 -all\".";

constexpr std::string_view kMxNullPage =
    "The null MX record, \"MX 0 .\" with the root as its host, says that the domain takes no mail: "
    "senders give up at once instead of trying for days. It must be the only MX record.\n\n"
    "Beside others it is an error, and senders differ in what they make of it.\n\n"
    "Keep either the null MX record or the mail hosts.";

constexpr std::string_view kMxCnamePage =
    "The host of an MX record must have addresses of its own and must not be an alias (CNAME). "
    "Some senders refuse to follow the alias, others look for TLS certificates and DANE records "
    "under the wrong one of the two names.\n\n"
    "Name the host that the alias leads to in the MX record, or give the host A and AAAA records.";

constexpr std::string_view kMxAddressPage =
    "Each host of an MX record has an A record (IPv4), and at best an AAAA record (IPv6) too. A "
    "host without any address, or with one that only your own network knows, makes every sender "
    "lose time, and mail, if it is the only one.\n\n"
    "Publish the address that the server has in the Internet, or remove the MX record of a host "
    "that is gone.";

constexpr std::string_view kMxPtrPage =
    "A PTR record gives the name of an address, and that name should lead back to the address. "
    "Most large receivers refuse or mistrust mail from an address without such a pair. Mail hosts "
    "often send as well, if only bounces.\n\n"
    "PTR records are set by whoever owns the network: ask your provider for the host's name as the "
    "PTR record of its address, and publish that name with the address.";

}  // namespace authmilter
