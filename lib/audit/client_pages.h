#pragma once

#include <string_view>

namespace authmilter {

// What --explain prints of the rules client.* and webmail.*: paragraphs with an empty line between
// them.

constexpr std::string_view kClientSubmissionsPage =
    "People's devices hand mail in over a port of its own. On port 465 TLS comes first "
    "(submissions, RFC 8314); on port 587 the dialogue begins in plain text and goes over to TLS "
    "by STARTTLS.\n\n"
    "With TLS first nothing is ever said in plain text, and there is nothing that an attacker in "
    "between could strip. The Czech measure allows nothing else.\n\n"
    "In Postfix take the comment signs from the service submissions in master.cf "
    "(smtpd_tls_wrappermode=yes).";

constexpr std::string_view kClientImapsPage =
    "IMAP is how devices read mail. On port 993 TLS comes first (imaps, RFC 8314); on port 143 the "
    "dialogue begins in plain text.\n\n"
    "With TLS first nothing is ever said in plain text. The Czech measure allows nothing else.\n\n"
    "In Dovecot the listener imaps of service imap-login has port 993; a port of 0 turns imap, on "
    "143, off.";

constexpr std::string_view kClientPop3sPage =
    "POP3 is how devices fetch mail. On port 995 TLS comes first (pop3s, RFC 8314); on port 110 "
    "the dialogue begins in plain text.\n\n"
    "With TLS first nothing is ever said in plain text. A server that does not offer POP3 at all "
    "is fine.\n\n"
    "In Dovecot the listener pop3s of service pop3-login has port 995; a port of 0 turns pop3, on "
    "110, off.";

constexpr std::string_view kClientPlainPage =
    "A server that lets people log in before TLS invites devices to send passwords in plain "
    "text, where everybody on the way reads them.\n\n"
    "That STARTTLS is offered too does not help: it is the device's choice, or the attacker's, "
    "who removes the offer.\n\n"
    "In Postfix set smtpd_tls_auth_only = yes. In Dovecot 2.3 set disable_plaintext_auth = yes "
    "and ssl = required, in 2.4 auth_allow_cleartext = no.";

constexpr std::string_view kClientTlsPage =
    "TLS 1.2 and 1.3 are the versions that count as secure today (RFC 9325). Each port of people's "
    "devices has to offer one of them.\n\n"
    "In Postfix set smtpd_tls_mandatory_protocols = >=TLSv1.2 (and smtpd_tls_protocols), in "
    "Dovecot ssl_min_protocol = TLSv1.2.";

constexpr std::string_view kClientSsl3Page =
    "SSLv3 of 1996 is broken (RFC 7568), and today's TLS libraries have left it out. So this "
    "program cannot try it with the library that it runs on, and says so.\n\n"
    "Look at the server's settings: smtpd_tls_mandatory_protocols of Postfix, ssl_min_protocol of "
    "Dovecot.";

constexpr std::string_view kClientOldPage =
    "TLS 1.0 and 1.1 are obsolete since 2021 (RFC 8996). Devices of the last ten years need "
    "neither.\n\n"
    "In Postfix set smtpd_tls_mandatory_protocols = >=TLSv1.2 and smtpd_tls_protocols = "
    ">=TLSv1.2, in Dovecot ssl_min_protocol = TLSv1.2.";

constexpr std::string_view kClientCipherPage =
    "Inside of TLS 1.2 and older the two sides agree on a cipher. Each kind of weak ciphers was "
    "tried by itself: those that hide nothing, do not say who the server is, are broken, or let "
    "recorded connections be read later.\n\n"
    "In Postfix set tls_high_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20 and "
    "smtpd_tls_mandatory_ciphers = high, in Dovecot ssl_cipher_list = "
    "ECDHE+AESGCM:ECDHE+CHACHA20.";

constexpr std::string_view kClientCertPage =
    "The certificate of a server for people's devices has to be valid, for the name that they "
    "connect to, and of an authority that they know.\n\n"
    "Otherwise devices warn, people learn to click warnings away, and then do not see the "
    "attacker's.\n\n"
    "Certificates of recognised authorities are free (Let's Encrypt). An authority of your own is "
    "fine where it is installed on every device: name its file by --tls-ca.";

constexpr std::string_view kWebmailHttpsPage =
    "Mail that is read in a browser has to come by HTTPS. Who types the address without https:// "
    "begins in plain text, and must be sent on at once.\n\n"
    "A page that is shown without TLS shows passwords and mail to everybody on the way.\n\n"
    "In nginx: server { listen 80; return 301 https://$host$request_uri; }";

constexpr std::string_view kWebmailHstsPage =
    "With the field Strict-Transport-Security (RFC 6797) a browser remembers, for max-age seconds, "
    "to use HTTPS alone for this host, and lets nobody click warnings away.\n\n"
    "Without it each visit that begins in plain text can be led elsewhere.\n\n"
    "In nginx: add_header Strict-Transport-Security \"max-age=31536000\" always;";

}  // namespace authmilter
