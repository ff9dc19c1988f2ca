#pragma once

#include <string_view>

namespace authmilter {

// What --explain prints of the rules spf.*: paragraphs with an empty line between them.

constexpr std::string_view kSpfExistsPage =
    "SPF (Sender Policy Framework) is one line in the DNS, a TXT record of the domain, that names "
    "the servers which may send mail with an envelope address of this domain. A receiver compares "
    "the address of whoever delivers a message with it.\n\n"
    "Without the record every server of the world may claim to send for the domain, and receivers "
    "have nothing to tell forged bounces and fraud by. Many take mail of such domains for spam.\n\n"
    "Publish one TXT record at the domain itself. It begins with v=spf1, names your servers and "
    "ends in -all or ~all: \"v=spf1 mx ip4:192.0.2.10 -all\". A domain that sends no mail has "
    "\"v=spf1 -all\".";

constexpr std::string_view kSpfSinglePage =
    "A domain has exactly one SPF record. With two or more, receivers must give up: the result is "
    "an error (permerror), as if there were none.\n\n"
    "It happens when a second provider asks for \"an SPF record\" and one is added beside the old "
    "one.\n\n"
    "Put the terms of all of them into one record, with one v=spf1 at its beginning and one all at "
    "its end, and delete the others.";

constexpr std::string_view kSpfSyntaxPage =
    "A receiver reads the record strictly, by the grammar of RFC 7208. One wrong term anywhere, "
    "also in a record that is included, makes the whole policy an error (permerror), whether or "
    "not the terms before it would match.\n\n"
    "Often it is a misspelt word (\"ipv4:\" for \"ip4:\"), a blank behind a colon, a network that "
    "has too many bits, or the name of a provider's record that is no longer there.\n\n"
    "The position that is shown is that of the first wrong term. Mend or remove it; where the "
    "record belongs to a provider, ask for the name that is to be included today.";

constexpr std::string_view kSpfLookupsPage =
    "To read an SPF record a receiver must ask the DNS for other records: each include, a, mx, "
    "ptr, exists and redirect is such a look-up, also those in records that are included. After "
    "ten a receiver stops, and the result is an error (permerror).\n\n"
    "So an eleventh look-up disables the policy, for everybody whose mail does not match one of "
    "the first terms. It comes unseen, when a provider adds an include to its own record.\n\n"
    "Remove includes of services that you no longer use, and write addresses that do not change as "
    "ip4: and ip6:, which cost nothing. A service that sends as a subdomain of yours has a record "
    "of its own, with ten look-ups of its own.";

constexpr std::string_view kSpfVoidPage =
    "A look-up that comes back empty (the name does not exist, or has no such record) is a void "
    "look-up. After two of them a receiver stops with an error (permerror), so that nobody uses "
    "SPF to make receivers ask for names that do not exist.\n\n"
    "It means that the record names hosts that are gone. One more, and the policy no longer "
    "works.\n\n"
    "Remove the terms that are shown, or bring back the hosts that they name.";

constexpr std::string_view kSpfMxPtrPage =
    "The term mx stands for all mail hosts of a name. If there are more than ten of them, the "
    "result is an error (permerror).\n\n"
    "Name the addresses of your servers by ip4: and ip6: instead, or a host that has them all as "
    "its addresses by a:.";

constexpr std::string_view kSpfLoopPage =
    "A record that includes itself, by whatever detour, leads a receiver round in a circle until "
    "the limit of ten look-ups ends it with an error (permerror).\n\n"
    "Remove the include or redirect that leads back.";

constexpr std::string_view kSpfAllPage =
    "The term all stands at the end and says what is to be thought of all other servers. -all: "
    "they may not send, ~all: they probably may not, ?all: nothing is said, +all: they all "
    "may.\n\n"
    "With +all the record permits every forger of the world; with ?all, or without any all, it "
    "forbids nobody, and protects as little as no record.\n\n"
    "End the record in -all or ~all. Where DMARC is used as well, ~all does the same and is "
    "kinder to forwarded mail, which DKIM then vouches for.";

constexpr std::string_view kSpfPtrPage =
    "The term ptr asks for the name of the client's address. It is slow, it depends on name "
    "servers of whoever sends, and RFC 7208 section 5.5 says that it should not be published; some "
    "receivers ignore it.\n\n"
    "Replace it by ip4:, ip6: or a: terms.";

constexpr std::string_view kSpfBehindAllPage =
    "The term all matches everybody, so receivers ignore what stands behind it, and redirect "
    "wherever it stands beside an all.\n\n"
    "Whoever wrote these terms meant them to count: servers that they name are refused now.\n\n"
    "Move all to the end, and remove redirect where there is an all.";

constexpr std::string_view kSpfSizePage =
    "An answer of the DNS that is longer than 512 octets does not fit the oldest form of it. RFC "
    "7208 section 3.4 advises to keep all TXT records of the name together under about 450 octets: "
    "there are resolvers and firewalls that lose longer answers.\n\n"
    "Move part of the record into one that is included (\"include:_spf.example.org\"), and delete "
    "TXT records that services once wanted for verification.";

constexpr std::string_view kSpfWidePage =
    "A network such as ip4:10.0.0.0/8 holds millions of addresses. Where they belong to a hosting "
    "or cloud provider, everybody can rent one for an hour and send mail that passes SPF, and with "
    "it DMARC, as your domain.\n\n"
    "Name the addresses that your servers have, or the network that you alone use. Where a "
    "provider's record that you include is so wide, ask whether it keeps its customers from "
    "sending as each other, and rely on DKIM.";

constexpr std::string_view kSpfUnusedPage =
    "Terms that let nobody send cost look-ups and mislead whoever reads the record: an include "
    "that stands there twice, one whose record permits nothing, an address that another term "
    "covers.\n\n"
    "They are mostly left from services that are no longer used. Remove them.";

constexpr std::string_view kSpfParkedPage =
    "A domain that sends no mail (it is parked, or there is only a web site) is what forgers like "
    "best, as nobody watches it. It says so by \"v=spf1 -all\", and that it takes no mail by the "
    "null MX record \"MX 0 .\".\n\n"
    "The two belong together: mail from a domain that takes none is refused by many receivers (RFC "
    "7505 section 4.2).\n\n"
    "Publish both for a domain without mail. Where it does send, remove the null MX record.";

}  // namespace authmilter
