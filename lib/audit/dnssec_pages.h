#pragma once

#include <string_view>

namespace authmilter {

// What --explain prints of the rules dnssec.*: paragraphs with an empty line between them.

constexpr std::string_view kDnssecDomainPage =
    "DNSSEC signs the records of a zone, so that a resolver can tell an answer of your name "
    "servers from a forged one. Whoever forges answers otherwise leads your mail to himself.\n\n"
    "A zone is signed when its name servers sign it and the zone above has a DS record with the "
    "digest of its key. Without the DS record the signatures count for nothing.\n\n"
    "If the signatures are wrong or too old, resolvers that validate refuse all answers, and the "
    "domain is gone for everybody behind them: that is worse than no signatures.\n\n"
    "Switch signing on at your DNS provider, and have the DS record published by your registrar.";

constexpr std::string_view kDnssecMxPage =
    "The MX records say where mail for the domain goes. If they are not signed, a forged answer "
    "sends it elsewhere, and no certificate helps, since the other host has a good one too.\n\n"
    "Sign the zone of the domain with DNSSEC.";

constexpr std::string_view kDnssecHostPage =
    "A mail host's addresses are in the zone of that host, which may be another than the domain's. "
    "Both must be signed: senders look at TLSA records (DANE) only where the addresses are "
    "signed.\n\n"
    "If the host is a provider's, ask for hosts in a signed zone, or give the host a name in your "
    "own signed zone.";

constexpr std::string_view kDnssecTlsaPage =
    "A TLSA record says which certificate or key a mail host has (DANE). It proves something only "
    "if DNSSEC signs it; senders ignore one that is not signed.\n\n"
    "Sign the zone that holds the record.";

constexpr std::string_view kDnssecRecordsPage =
    "The records of SPF, DKIM and DMARC decide what receivers do with mail in your name. Whoever "
    "can forge the DNS for a receiver can forge them: another key, another policy.\n\n"
    "Sign the zones that hold them. A DKIM key that is an alias (CNAME) of a provider's is in the "
    "provider's zone, and its signature is the provider's matter.";

constexpr std::string_view kDnssecAlgorithmPage =
    "Signatures are as good as their algorithm. RSA with SHA-1 (numbers 5 and 7), DSA and RSA with "
    "MD5 are not to be used for signing any more (RFC 8624 section 3.1): SHA-1 has been broken, "
    "and some resolvers treat such zones as if they were not signed.\n\n"
    "Change to ECDSA P-256 (number 13), which every resolver knows and whose answers are short; "
    "a provider or a name server of today does so by a change of policy, in a rollover of the "
    "algorithm.\n\n"
    "The DS record has a digest too: use SHA-256 (digest type 2), not SHA-1 (type 1).";

constexpr std::string_view kDnssecNegativeTtlPage =
    "The last number of the SOA record says for how long resolvers may remember that a name does "
    "not exist. With signed zones they may answer so for a whole range of names, also for one that "
    "nobody asked for before.\n\n"
    "If it is a day, a new DKIM selector or a new TLSA record can stay invisible for a day at some "
    "receivers, and mail that relies on it fails.\n\n"
    "Set the SOA minimum to 3600 (an hour) or less.";

}  // namespace authmilter
