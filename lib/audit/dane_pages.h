#pragma once

#include <string_view>

namespace authmilter {

// What --explain prints of the rules dane.*: paragraphs with an empty line between them.

constexpr std::string_view kDaneExistsPage =
    "DANE (RFC 7672) is a record in the signed DNS that names a mail server's key: TLSA at "
    "_25._tcp.HOST. A sender that looks at it knows that the server has TLS, and which one is the "
    "right one, without any authority.\n\n"
    "Without it an attacker in between strips STARTTLS and reads the mail.\n\n"
    "It counts only where the host's addresses and the TLSA record are signed with DNSSEC. Sign "
    "the zone first; then publish \"_25._tcp.mx.example.org. TLSA 3 1 1 DIGEST\", where `openssl "
    "x509 -in cert.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl sha256` gives "
    "the digest.";

constexpr std::string_view kDaneUsagePage =
    "The first number of a TLSA record is its usage. For mail only 3 (this key) and 2 (a key of "
    "the authority that signed) count; 0 and 1 are not for mail servers (RFC 7672 section "
    "3.1.3).\n\n"
    "Where all records are unusable, senders insist on TLS but check nobody.\n\n"
    "Publish 3 1 1, that is: the server's own key, by its SHA-256. It outlives a new certificate "
    "for the same key.";

constexpr std::string_view kDaneMatchPage =
    "A sender with DANE compares what the server serves with the TLSA records. If none fits, it "
    "keeps the mail back and tries again for days: such mail does not come in.\n\n"
    "Of digests for the same usage and selector only the strongest counts: a right 3 1 1 beside "
    "a stale 3 1 2 stops mail. Usage 2 also wants the right name, the right dates, and the "
    "authority's certificate among those that the server sends.\n\n"
    "Publish the record of what is served now. To change a key publish the new one's record beside "
    "the old one, wait for twice the TTL, change the key, and only then remove the old record.";

constexpr std::string_view kDaneRolloverPage =
    "While a key is changed, caches still have the old TLSA record for as long as its TTL says. So "
    "two records stand side by side for that time (RFC 7671 section 8.1): of the key that is "
    "served and of the next one, or 3 1 1 and 2 1 1 for good.\n\n"
    "One record alone is right as long as nothing changes. This is a reminder to add the next one "
    "before a new key is installed, or to keep the key when the certificate is renewed (certbot: "
    "--reuse-key).";

constexpr std::string_view kDaneAnswerPage =
    "A sender with DANE that gets no trustworthy answer to its question for TLSA records must "
    "assume that somebody hides them. It does not deliver without: mail is deferred, and after "
    "days comes back.\n\n"
    "So an error here is worse than no record. Reasons are signatures that are wrong or expired, "
    "and name servers or firewalls that drop questions for a type which they do not know.\n\n"
    "Ask each name server of the zone: `dig +dnssec TLSA _25._tcp.HOST @SERVER` has to answer at "
    "once, also where there is no record.";

}  // namespace authmilter
