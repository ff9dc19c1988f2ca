#include "tls/handshake.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "crypto/certificates.h"
#include "tls/openssl_ssl.h"

namespace authmilter {
namespace {

// Of what a server sends in one handshake: OpenSSL takes 100 kB of certificates.
constexpr std::size_t kHandshakeOctets = 256 << 10;
// Chains of recognised authorities have up to four.
constexpr int kChainCertificates = 10;
constexpr std::size_t kDetailOctets = 160;

constexpr std::uint8_t kServerHello = 2;  // RFC 8446 section 4

int wire_version(TlsVersion version) {
  switch (version) {
    case TlsVersion::ssl_3:
      return SSL3_VERSION;
    case TlsVersion::tls_1_0:
      return TLS1_VERSION;
    case TlsVersion::tls_1_1:
      return TLS1_1_VERSION;
    case TlsVersion::tls_1_2:
      return TLS1_2_VERSION;
    case TlsVersion::tls_1_3:
      return TLS1_3_VERSION;
  }
  return TLS1_2_VERSION;
}

/// What was seen of the dialogue: what OpenSSL's own state tells of a failure is not enough.
struct Seen {
  std::size_t hello_octets = 0;
  int server_version = 0;  // of a ServerHello; 0: none came
  int alert = -1;          // that the server sent, fatal or not; -1: none
};

unsigned number_at(const std::uint8_t* octets) {
  return static_cast<unsigned>(octets[0]) << 8U | static_cast<unsigned>(octets[1]);
}

/// The version that a ServerHello chooses (RFC 8446 section 4.1.3); 0 for what is none.
int server_hello_version(const std::uint8_t* octets, std::size_t size) {
  constexpr std::size_t kFixed = 4 + 2 + 32;  // header, legacy_version, random
  if (size < kFixed + 1 || octets[0] != kServerHello) return 0;
  const int legacy = static_cast<int>(number_at(octets + 4));
  std::size_t at = kFixed + 1 + octets[kFixed];  // behind the session id
  at += 2 + 1 + 2;                               // cipher, compression, length of the extensions
  while (at + 4 <= size) {
    const unsigned type = number_at(octets + at);
    const std::size_t length = number_at(octets + at + 2);
    at += 4;
    if (type == TLSEXT_TYPE_supported_versions && length == 2 && at + 2 <= size)
      return static_cast<int>(number_at(octets + at));
    at += length;
  }
  return legacy;
}

void on_message(int is_ours, int, int content_type, const void* data, std::size_t size, SSL*,
                void* user) noexcept {
  auto& seen = *static_cast<Seen*>(user);
  const auto* octets = static_cast<const std::uint8_t*>(data);
  if (is_ours != 0) {
    if (content_type == SSL3_RT_HANDSHAKE && seen.hello_octets == 0) seen.hello_octets = size;
    return;
  }
  if (content_type == SSL3_RT_ALERT && size == 2) seen.alert = octets[1];
  if (content_type == SSL3_RT_HANDSHAKE && seen.server_version == 0)
    seen.server_version = server_hello_version(octets, size);
}

/// The newest of this thread's errors of OpenSSL, in its words.
std::string library_error() {
  const unsigned long code = ERR_peek_last_error();
  if (code == 0) return "no reason given";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? printable(reason, kDetailOctets)
                           : "error " + std::to_string(ERR_GET_REASON(code));
}

std::string alert_text(int alert) {
  // OpenSSL's words: "protocol version".
  return "alert " + std::to_string(alert) + ", " + SSL_alert_desc_string_long(alert);
}

SslContext context_for(const HandshakeOffer& offer) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) return nullptr;
  SSL_CTX* handle = context.get();
  // The system's openssl.cnf has set its own floor: all of it is set anew.
  SSL_CTX_set_security_level(handle, 0);
  SSL_CTX_clear_options(handle, SSL_OP_NO_SSL_MASK);
  SSL_CTX_set_options(handle, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALL);
  SSL_CTX_set_verify(handle, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(handle, wire_version(offer.oldest)) != 1 ||
      SSL_CTX_set_max_proto_version(handle, wire_version(offer.newest)) != 1)
    return nullptr;
  if (SSL_CTX_set_cipher_list(handle, (offer.ciphers + ":@SECLEVEL=0").c_str()) != 1)
    return nullptr;
  if (!offer.groups.empty() && SSL_CTX_set1_groups_list(handle, offer.groups.c_str()) != 1)
    return nullptr;
  return context;
}

SslHandle handle_for(SSL_CTX* context, const HandshakeOffer& offer, Seen& seen) {
  SslHandle ssl(SSL_new(context));
  if (!ssl) return nullptr;
  Bio in(BIO_new(BIO_s_mem()));
  Bio out(BIO_new(BIO_s_mem()));
  if (!in || !out) return nullptr;
  SSL_set_bio(ssl.get(), in.release(), out.release());
  SSL_set_connect_state(ssl.get());
  SSL_set_msg_callback(ssl.get(), on_message);
  SSL_set_msg_callback_arg(ssl.get(), &seen);
  // SSL_set_tlsext_host_name() without its cast of C's.
  if (!offer.server_name.empty() &&
      SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(offer.server_name.c_str())) != 1)
    return nullptr;
  if (SSL_set_tlsext_status_type(ssl.get(), TLSEXT_STATUSTYPE_ocsp) != 1) return nullptr;
  return ssl;
}

/// Octets that OpenSSL wants to send.
std::string taken_from(BIO* out) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string octets(data, size > 0 ? static_cast<std::size_t>(size) : 0);
  (void)BIO_reset(out);
  return octets;
}

/// "X25519", "secp256r1", "X25519MLKEM768", "DH 2048"; empty where the key exchange has none.
std::string group_of(SSL* ssl) {
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
  if (const char* name = SSL_get0_group_name(ssl)) {
    const std::string group = printable(name, kDetailOctets);
    return group == "x25519" ? "X25519" : group == "x448" ? "X448" : group;
  }
#endif
  EVP_PKEY* raw = nullptr;
  if (SSL_get_peer_tmp_key(ssl, &raw) != 1) return {};
  const Key key(raw);
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key.get(), name.data(), name.size(), &size) == 1 && size > 0) {
    // IANA's name of what OpenSSL calls after X9.62.
    const std::string_view group(name.data());
    return group == "prime256v1" ? "secp256r1" : std::string(group);
  }
  const char* type = EVP_PKEY_get0_type_name(key.get());
  if (type == nullptr) return {};
  if (EVP_PKEY_is_a(key.get(), "DH") == 1)
    return "DH " + std::to_string(EVP_PKEY_get_bits(key.get()));
  return type;
}

/// RFC 6066 section 8.
bool has_stapled_ocsp(SSL* ssl) {
  const unsigned char* response = nullptr;
  return SSL_get_tlsext_status_ocsp_resp(ssl, &response) > 0;
}

std::vector<std::string> chain_of(SSL* ssl) {
  std::vector<std::string> chain;
  STACK_OF(X509)* const served = SSL_get_peer_cert_chain(ssl);
  const int count = served == nullptr ? 0 : std::min(sk_X509_num(served), kChainCertificates);
  for (int i = 0; i < count; ++i) chain.push_back(der_of(sk_X509_value(served, i)));
  return chain;
}

/// What ended a handshake that did not end well.
HandshakeOutcome failed(const HandshakeOffer& offer, const Seen& seen, OfferState otherwise,
                        std::string why) {
  HandshakeOutcome outcome;
  outcome.hello_octets = seen.hello_octets;
  const bool chose_ours = seen.server_version >= wire_version(offer.oldest) &&
                          seen.server_version <= wire_version(offer.newest);
  if (chose_ours) {
    // It has agreed to the version, whatever it was that failed afterwards.
    outcome.state = OfferState::offered;
    outcome.detail = "a ServerHello came, but the handshake did not end well: " + std::move(why);
  } else if (seen.server_version != 0) {
    outcome.state = OfferState::refused;
    outcome.detail = "the server chose another version";
  } else {
    outcome.state = otherwise;
    outcome.detail = std::move(why);
  }
  return outcome;
}

}  // namespace

bool can_offer(const HandshakeOffer& offer) {
  const ErrorScope errors;
  Seen seen;
  const SslContext context = context_for(offer);
  const SslHandle ssl = context ? handle_for(context.get(), offer, seen) : nullptr;
  if (!ssl) return false;
  // Settings of what was left out of a build are taken without a word.
  (void)SSL_do_handshake(ssl.get());
  return seen.hello_octets > 0;
}

HandshakeOutcome shake_hands(ServerStream& stream, const HandshakeOffer& offer,
                             StreamDeadline deadline) {
  const ErrorScope errors;
  HandshakeOutcome outcome;
  Seen seen;
  const SslContext context = context_for(offer);
  const SslHandle ssl = context ? handle_for(context.get(), offer, seen) : nullptr;
  if (!ssl) {
    outcome.detail = "this build of OpenSSL cannot try it: " + library_error();
    return outcome;
  }
  std::size_t received = 0;
  for (;;) {
    const int done = SSL_do_handshake(ssl.get());
    const int error = SSL_get_error(ssl.get(), done);
    // Where OpenSSL cannot make a ClientHello it wants to send an alert all the same.
    if (seen.hello_octets == 0) {
      outcome.detail = "this build of OpenSSL cannot try it: " + library_error();
      return outcome;
    }
    const std::string octets = taken_from(SSL_get_wbio(ssl.get()));
    // What fails here shows in what is read next: an alert may be waiting.
    if (!octets.empty()) (void)stream.write(octets, deadline);
    if (done == 1) break;
    if (error != SSL_ERROR_WANT_READ) {
      if (seen.alert >= 0) return failed(offer, seen, OfferState::refused, alert_text(seen.alert));
      return failed(offer, seen, OfferState::refused,
                    (seen.server_version == 0 ? "what came is not TLS: " : "") + library_error());
    }
    const StreamRead got = stream.read(deadline);
    switch (got.state) {
      case StreamState::octets:
        break;
      case StreamState::ended:
        return failed(offer, seen, OfferState::refused, "the server hung up");
      case StreamState::reset:
        return failed(offer, seen, OfferState::refused, "the server reset the connection");
      case StreamState::late:
        return failed(offer, seen, OfferState::unanswered, "no answer in time");
    }
    received += got.octets.size();
    if (received > kHandshakeOctets)
      return failed(offer, seen, OfferState::unanswered, "the server says too much");
    BIO_write(SSL_get_rbio(ssl.get()), got.octets.data(), static_cast<int>(got.octets.size()));
  }
  outcome.state = OfferState::offered;
  outcome.completed = true;
  outcome.cipher = SSL_get_cipher_name(ssl.get());
  outcome.group = group_of(ssl.get());
  outcome.chain = chain_of(ssl.get());
  outcome.ocsp_stapled = has_stapled_ocsp(ssl.get());
  outcome.hello_octets = seen.hello_octets;
  // RFC 8446 section 6.1: close_notify, for the log of the other side.
  (void)SSL_shutdown(ssl.get());
  (void)stream.write(taken_from(SSL_get_wbio(ssl.get())), deadline);
  return outcome;
}

}  // namespace authmilter
