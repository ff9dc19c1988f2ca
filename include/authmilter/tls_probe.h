#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>

namespace authmilter {

/// What is spoken on a port before TLS, if anything. smtp: between mail servers (RFC 3207).
/// submission, imap and pop3 begin in plain text and may offer STARTTLS; submissions (RFC 8314),
/// imaps, pop3s and https begin with TLS.
enum class ServerProtocol : std::uint8_t {
  smtp,
  submission,
  submissions,
  imap,
  imaps,
  pop3,
  pop3s,
  https,
};
std::string_view to_string(ServerProtocol protocol);
std::uint16_t usual_port(ServerProtocol protocol);
/// TLS comes before anything else.
bool begins_with_tls(ServerProtocol protocol);

enum class TlsVersion : std::uint8_t { ssl_3, tls_1_0, tls_1_1, tls_1_2, tls_1_3 };
std::string_view to_string(TlsVersion version);  // "SSLv3", "TLS 1.0"

/// offered: the handshake ended well, or a ServerHello of that version came. refused: the server
/// answered our ClientHello with an alert, an end or a reset. not_probed: our own library could not
/// try. unanswered: nothing came in time, or the connection was not to be had.
enum class OfferState : std::uint8_t { offered, refused, not_probed, unanswered };
std::string_view to_string(OfferState state);

struct TlsOffer {
  TlsVersion version = TlsVersion::tls_1_2;
  OfferState state = OfferState::not_probed;
  std::string cipher;  // that the server chose, OpenSSL's name; empty unless offered
  std::string group;  // of the key exchange, "X25519"; empty where there is none or it is not known
  std::string detail;  // for people: the alert, what our library cannot do
  bool operator==(const TlsOffer&) const = default;
};

/// Kinds of ciphers that are tried one by one with TLS 1.2 and older, weakest first.
enum class CipherKind : std::uint8_t {
  null,
  anonymous,
  export_grade,
  rc4,
  triple_des,
  cbc_sha1,
  no_forward_secrecy
};
std::string_view to_string(CipherKind kind);

struct CipherOffer {
  CipherKind kind = CipherKind::null;
  OfferState state = OfferState::not_probed;
  std::string cipher;  // that the server chose
  bool operator==(const CipherOffer&) const = default;
};

enum class ChainTrust : std::uint8_t { trusted, untrusted, not_checked };
std::string_view to_string(ChainTrust trust);

/// What one server at one address offered and served. Texts of the server are printable ASCII and
/// cut; nothing that it sends is trusted.
struct ServerFacts {
  ServerProtocol protocol = ServerProtocol::smtp;
  std::string
      host;  // by which it was found: the name for SNI, and that its certificate should have
  std::optional<IpAddress> address;  // nothing: the host has none
  std::uint16_t port = 0;
  bool connected = false;  // a TCP connection came to be
  /// It was asked from its own host, which some servers trust more than others.
  bool same_host = false;
  std::string trouble;  // for people: why it went no further than it did; empty when all was done
  std::string greeting;
  /// Of protocols that begin in plain text: the server named STARTTLS (STLS).
  bool starttls = false;
  /// Ways to log in that it named before TLS, "PLAIN", "LOGIN"; empty when none.
  std::vector<std::string> plain_logins;
  /// One for each version, oldest first; empty when TLS was not reached.
  std::vector<TlsOffer> versions;
  std::vector<CipherOffer> weak_ciphers;
  /// A ClientHello with post-quantum groups, which takes more than one segment, got no answer; one
  /// with classical groups did.
  bool needs_small_hello = false;
  /// Certificates as they were served, DER, the server's own first.
  std::vector<std::string> chain;
  /// Whether the chain leads to a recognised authority: the system's, or --tls-ca. The name is not
  /// looked at here.
  ChainTrust trust = ChainTrust::not_checked;
  std::string trust_detail;  // the library's words for what is wrong
  bool ocsp_stapled = false;
  bool operator==(const ServerFacts&) const = default;
};

/// ServerFacts::trouble of a server that was asked what it can do, and named no STARTTLS (STLS).
constexpr std::string_view kStarttlsNotOffered = "STARTTLS is not offered";

struct TlsProbeOptions {
  std::string ca_file;  // PEM; empty: the system's
  std::string helo = "localhost";
  std::chrono::milliseconds timeout{5000};  // of each step
  std::chrono::milliseconds whole{20000};   // of one server, all handshakes together
};

/// Asks one server, with a connection for each version and each kind of cipher, one after the
/// other. Blocks up to `whole`; thread-safe; never throws for what a server does.
ServerFacts probe_server(ServerProtocol protocol, const std::string& host, const IpAddress& address,
                         std::uint16_t port, const TlsProbeOptions& options);

/// The library that probes are made with, as it calls itself: "OpenSSL 3.0.17 1 Jul 2025".
std::string tls_library();

/// What is printed of a certificate and judged by rules (RFC 5280).
struct CertificateFacts {
  std::string subject, issuer;                 // RFC 2253, printable
  std::vector<std::string> dns_names;          // subjectAltName; wildcards as they are
  std::int64_t not_before = 0, not_after = 0;  // seconds since 1970
  std::string key_type;                        // "RSA", "EC prime256v1", "ED25519"
  unsigned key_bits = 0;
  std::string signature_algorithm;  // "sha256WithRSAEncryption"
  std::string sha256;               // of the certificate, hexadecimal
  bool self_signed = false;
};
/// Nothing for what is not a certificate.
std::optional<CertificateFacts> read_certificate(std::string_view der);
/// Whether the certificate is for this name (RFC 6125: subjectAltName, one leftmost wildcard).
bool certificate_has_name(const CertificateFacts& certificate, std::string_view host);

}  // namespace authmilter
