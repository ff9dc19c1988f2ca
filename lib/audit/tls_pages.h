#pragma once

#include <string_view>

namespace authmilter {

// What --explain prints of the rules starttls.*, tls.* and cert.*: paragraphs with an empty line
// between them.

constexpr std::string_view kStarttlsPage =
    "Mail between servers begins in plain text. A server that can encrypt says STARTTLS, and the "
    "other side then goes over to TLS (RFC 3207).\n\n"
    "A server that does not say it gets all mail in plain text: whoever sits on the way reads and "
    "changes it.\n\n"
    "In Postfix set smtpd_tls_security_level = may and name key and certificate in "
    "smtpd_tls_chain_files. Where a firewall filters the dialogue (Cisco's \"fixup smtp\" shows "
    "XXXXXXXA), turn that off.";

constexpr std::string_view kTlsVersionPage =
    "TLS has versions; 1.2 and 1.3 are the ones that count as secure today (RFC 8996, RFC "
    "9325).\n\n"
    "A server that has neither cannot be reached by those who insist on them, and what it has "
    "instead can be attacked.\n\n"
    "The server was asked for each version by itself. In Postfix set smtpd_tls_protocols = "
    ">=TLSv1.2; a program or a system that has no TLS 1.2 is too old to be run on the Internet.";

constexpr std::string_view kTlsSsl3Page =
    "SSLv3 of 1996 is broken (RFC 7568): an attacker in between reads what it hides.\n\n"
    "Today's TLS libraries have left it out, so servers that use them do not offer it whatever "
    "their settings say. For the same reason this program cannot try it with the library that it "
    "runs on; it says so, and takes nothing for granted.\n\n"
    "To show that it is off, look at the server's settings: `postconf smtpd_tls_protocols` says "
    ">=TLSv1.2, or has !SSLv3 in it.";

constexpr std::string_view kTlsOldPage =
    "TLS 1.0 and 1.1 are obsolete since 2021 (RFC 8996).\n\n"
    "Between mail servers many keep them on purpose: the alternative for an old peer is plain "
    "text. Where nobody needs them any more they only make attacks easier. The Czech measure "
    "allows them in justified, necessary cases.\n\n"
    "Look into your mail log for \"TLSv1 \" and \"TLSv1.1\" to see whether somebody still needs "
    "them. To turn them off in Postfix: smtpd_tls_protocols = >=TLSv1.2 (Postfix 3.7 of Debian 12 "
    "has them on by default), in Dovecot: ssl_min_protocol = TLSv1.2.";

constexpr std::string_view kTlsCipherPage =
    "Inside of TLS 1.2 and older the two sides agree on a cipher. Some hide nothing (null), do "
    "not say who the server is (anonymous), are broken (export, rc4, 3des), rest on SHA-1 in an "
    "order that has been attacked (cbc-sha1), or let somebody who gets the server's key later "
    "read what was recorded before (no forward secrecy).\n\n"
    "The server was asked for each kind by itself, with nothing else to choose from: what it then "
    "accepts, it would use with a peer that has nothing better.\n\n"
    "Which kinds fail and which warn is the profile's word. Kinds that this program's TLS library "
    "has left out cannot be tried, and are named.";

constexpr std::string_view kTlsGroupPage =
    "The key of a connection is agreed upon in a group: an elliptic curve such as X25519, or "
    "numbers modulo a prime (DH). A group that is too small is broken with enough computers, for "
    "all who use it.\n\n"
    "Names with MLKEM in them are hybrids that also withstand quantum computers; they are good to "
    "have and not yet asked for.\n\n"
    "For DH of less than 2048 bits: in Postfix leave smtpd_tls_dh1024_param_file empty or let it "
    "name a file of `openssl dhparam 2048`.";

constexpr std::string_view kTlsHelloPage =
    "The first packet of clients with post-quantum cryptography is larger than others and comes in "
    "two parts. Some firewalls and old load balancers wait for ever when they see only one.\n\n"
    "Such clients, among them those of OpenSSL 3.5, then do not reach the server at all, or send "
    "in plain text.\n\n"
    "Update the firewall or the load balancer in front of the server, or take TLS inspection off "
    "port 25.";

constexpr std::string_view kCertChainPage =
    "A certificate says whose a server is, and is signed by an authority; with it the server sends "
    "those of the authorities in between. A recognised authority is one that browsers and systems "
    "have in their lists.\n\n"
    "Mail servers encrypt whoever the other is, so mail flows without it; but without it nobody "
    "can tell your server from an attacker's. MTA-STS and the Czech measure want it.\n\n"
    "Certificates of recognised authorities are free (Let's Encrypt). The most frequent mistake is "
    "to configure cert.pem in the place of fullchain.pem: browsers mend that, mail servers do not.";

constexpr std::string_view kCertNamePage =
    "The certificate has to have the name by which the server was found: for mail that comes in, "
    "the name in the MX record.\n\n"
    "A certificate for another name shows that this is some server, not that it is the right one; "
    "senders that look (MTA-STS, secure policies) deliver nothing.\n\n"
    "Get a certificate that has the MX name among its names (subjectAltName). \"*.example.org\" is "
    "for mx.example.org, but not for a.mx.example.org.";

constexpr std::string_view kCertExpiryPage =
    "A certificate is valid from one day to another.\n\n"
    "Behind the last day senders that look at certificates deliver nothing, and users see "
    "warnings and learn to click them away.\n\n"
    "Renewal belongs into a timer. Programs read the file when they start: let the timer reload "
    "Postfix and Dovecot too (certbot: --deploy-hook \"systemctl reload postfix dovecot\"). With "
    "DANE (3 1 1) keep the key when renewing (certbot: --reuse-key), or publish the new one "
    "first.";

constexpr std::string_view kCertKeyPage =
    "The server's key, and those of the authorities in between, must be long enough that nobody "
    "can compute the secret half.\n\n"
    "RSA needs 2048 bits at least, elliptic curves 256; the profile has the numbers.\n\n"
    "Make a new key with the next certificate: certbot --key-type ecdsa, or --rsa-key-size 3072. "
    "With DANE publish the new key's TLSA record first.";

constexpr std::string_view kCertSignaturePage =
    "An authority signs a hash of the certificate. With MD5 and SHA-1 two certificates with the "
    "same hash can be made, so such a signature proves nothing.\n\n"
    "The signature of a root, which signs itself, does not count.\n\n"
    "Get a new certificate; recognised authorities have used SHA-256 for ten years.";

constexpr std::string_view kCertOcspPage =
    "A server may send a recent statement of its authority that the certificate is not revoked "
    "(OCSP stapling, RFC 6066 section 8).\n\n"
    "Mail servers do not ask for it, and Let's Encrypt has given up OCSP in 2025. This is "
    "information only.";

}  // namespace authmilter
