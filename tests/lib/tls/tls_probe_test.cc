#include <authmilter/tls_probe.h>

#include <chrono>
#include <map>
#include <utility>

#include <doctest/doctest.h>

#include "support/made_certificates.h"
#include "support/temporary_folder.h"
#include "tls/openssl_ssl.h"
#include "tls/server_probe.h"

using namespace authmilter;
using namespace std::chrono_literals;
using enum OfferState;
using Version = TlsVersion;

namespace {

/// What a server does with a ClientHello.
struct Server {
  enum class Answer { openssl, says, ends, resets, hangs, hangs_on_large };
  Answer answer = Answer::openssl;
  std::string says;  // octets, for Answer::says; the connection ends behind them
  int oldest = TLS1_2_VERSION;
  int newest = TLS1_3_VERSION;
  const char* ciphers = "DEFAULT:@SECLEVEL=0";
  bool staples = false;
  std::string plain_greeting;  // empty: TLS comes first
  bool starttls = true;
  int connections = 99;                 // then no more
  mutable std::size_t first_hello = 0;  // its octets
};

struct Identity {
  made::Chain chain{[] {
    // The probe judges by today's date.
    const std::int64_t today = std::time(nullptr);
    return made::CertificateWish{
        "mx.example.org", {"mx.example.org"}, today - made::kDay, today + 90 * made::kDay};
  }()};
};
const Identity& identity() {
  static const Identity one;
  return one;
}

int on_staple(SSL* ssl, void*) {
  constexpr std::string_view kText = "not looked at";
  void* copy = OPENSSL_memdup(kText.data(), kText.size());
  SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, static_cast<long>(kText.size()), copy);
  return SSL_TLSEXT_ERR_OK;
}

SslContext context_of(const Server& server) {
  SslContext context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_min_proto_version(context.get(), server.oldest);
  SSL_CTX_set_max_proto_version(context.get(), server.newest);
  REQUIRE(SSL_CTX_set_cipher_list(context.get(), server.ciphers) == 1);
  const made::Chain& chain = identity().chain;
  SSL_CTX_use_certificate(context.get(), chain.server.get());
  SSL_CTX_use_PrivateKey(context.get(), chain.server_key.get());
  SSL_CTX_add1_chain_cert(context.get(), chain.issuer.get());
  if (server.staples) {
    // SSL_CTX_set_tlsext_status_cb() without its cast of C's.
    SSL_CTX_callback_ctrl(context.get(), SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
                          reinterpret_cast<void (*)()>(on_staple));
  }
  return context;
}

/// A connection to such a server, in memory.
class MemoryStream final : public ServerStream {
 public:
  MemoryStream(const Server& server, SSL_CTX* context) : server_(server), ssl_(SSL_new(context)) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_.get());
    plain_ = !server.plain_greeting.empty();
    out_ = server.plain_greeting;
  }

  StreamRead read(StreamDeadline) override {
    if (!out_.empty()) return {StreamState::octets, std::exchange(out_, {})};
    if (plain_ || late_) return {StreamState::late, {}};
    if (reset_) return {StreamState::reset, {}};
    return {StreamState::ended, {}};
  }

  bool write(std::string_view octets, StreamDeadline) override {
    if (plain_) {
      if (octets.starts_with("EHLO"))
        out_ += server_.starttls ? "250-mx\r\n250 STARTTLS\r\n" : "250 mx\r\n";
      if (octets.starts_with("STARTTLS")) {
        out_ += "220 go\r\n";
        plain_ = false;
      }
      return true;
    }
    switch (server_.answer) {
      case Server::Answer::says:
        out_ += server_.says;
        return true;
      case Server::Answer::ends:
        return true;
      case Server::Answer::resets:
        reset_ = true;
        return false;
      case Server::Answer::hangs:
        late_ = true;
        return true;
      case Server::Answer::hangs_on_large:
        if (server_.first_hello == 0) server_.first_hello = octets.size();
        if (!spoken_to_ && octets.size() >= server_.first_hello) {
          late_ = true;
          return true;
        }
        break;
      case Server::Answer::openssl:
        break;
    }
    spoken_to_ = true;
    BIO_write(SSL_get_rbio(ssl_.get()), octets.data(), static_cast<int>(octets.size()));
    SSL_do_handshake(ssl_.get());
    ERR_clear_error();
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
    out_.append(data, static_cast<std::size_t>(size));
    (void)BIO_reset(SSL_get_wbio(ssl_.get()));
    return true;
  }

 private:
  const Server& server_;
  SslHandle ssl_;
  bool plain_ = false;
  bool late_ = false;
  bool reset_ = false;
  bool spoken_to_ = false;
  std::string out_;
};

struct Probed {
  ServerFacts facts;
  int connections = 0;
  OfferState of(Version version) const {
    for (const TlsOffer& offer : facts.versions) {
      if (offer.version == version) return offer.state;
    }
    FAIL("the version is not among them");
    return not_probed;
  }
  const TlsOffer& offer(Version version) const {
    return facts.versions.at(static_cast<std::size_t>(version));
  }
  OfferState of(CipherKind kind) const {
    return facts.weak_ciphers.at(static_cast<std::size_t>(kind)).state;
  }
};

Probed probed(const Server& server, std::size_t large_hello = kLargeHelloOctets,
              const std::string& ca_file = {}) {
  const SslContext context = context_of(server);
  Probed result;
  const Dial dial = [&](StreamDeadline) -> Dialled {
    if (++result.connections > server.connections) return {nullptr, "Connection refused", false};
    return {std::make_unique<MemoryStream>(server, context.get()), {}, false};
  };
  ServerFacts facts;
  facts.protocol = server.plain_greeting.empty() ? ServerProtocol::https : ServerProtocol::smtp;
  facts.host = "mx.example.org";
  facts.address = IpAddress::parse("192.0.2.1");
  facts.port = 25;
  TlsProbeOptions options;
  options.ca_file = ca_file;
  result.facts = probe_server_by(dial, facts, options, large_hello);
  return result;
}

std::string alert(unsigned char description) {
  return std::string("\x15\x03\x01\x00\x02\x02", 6) + static_cast<char>(description);
}

}  // namespace

TEST_CASE("what the answers to a ClientHello mean") {
  using Answer = Server::Answer;
  const struct {
    const char* why;
    Answer answer;
    std::string says;
    OfferState state;
    std::string detail;
  } rows[] = {
      {"OpenSSL 3.5 says protocol_version", Answer::says, alert(70), refused,
       "alert 70, protocol version"},
      {"OpenSSL 3.0 says internal_error", Answer::says, alert(80), refused,
       "alert 80, internal error"},
      {"no common cipher: handshake_failure", Answer::says, alert(40), refused,
       "alert 40, handshake failure"},
      {"Dovecot 2.3 hangs up", Answer::ends, "", refused, "the server hung up"},
      {"a reset", Answer::resets, "", refused, "the server reset the connection"},
      {"plain text", Answer::says, "554 what do you mean?\r\n", refused, "what came is not TLS: "},
      {"half a record, and the end", Answer::says, std::string("\x16\x03", 2), refused,
       "the server hung up"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Probed probe = probed({row.answer, row.says});
    CHECK(probe.facts.connected);
    CHECK(probe.of(Version::ssl_3) == not_probed);
    for (const Version version :
         {Version::tls_1_0, Version::tls_1_1, Version::tls_1_2, Version::tls_1_3}) {
      CAPTURE(to_string(version));
      CHECK(probe.of(version) == row.state);
      CHECK(probe.offer(version).detail.starts_with(row.detail));
    }
    CHECK(probe.facts.chain.empty());
    CHECK(probe.facts.trust == ChainTrust::not_checked);
    CHECK(probe.facts.trouble.starts_with("no handshake ended well: " + row.detail));
  }
}

TEST_CASE("a ServerHello of the version is an offer, whatever comes behind it") {
  // TLS 1.2, a random of zeros, no session, a cipher that was offered, no compression.
  std::string hello("\x03\x03", 2);
  hello += std::string(32, '\0') + std::string("\x00\xc0\x2f\x00", 4);
  const std::string handshake =
      std::string("\x02\x00\x00", 3) + static_cast<char>(hello.size()) + hello;
  const std::string record =
      std::string("\x16\x03\x03\x00", 4) + static_cast<char>(handshake.size()) + handshake;
  const Probed probe = probed({Server::Answer::says, record});
  CHECK(probe.of(Version::tls_1_2) == offered);
  CHECK(probe.offer(Version::tls_1_2).detail ==
        "a ServerHello came, but the handshake did not end well: the server hung up");
  CHECK(probe.of(Version::tls_1_0) == refused);
  CHECK(probe.offer(Version::tls_1_0).detail == "the server chose another version");
  CHECK(probe.of(Version::tls_1_3) == refused);
}

TEST_CASE("versions one by one, though the system's own floor is higher") {
  const struct {
    const char* why;
    int oldest, newest;
    std::vector<Version> versions;
  } rows[] = {
      {"all",
       TLS1_VERSION,
       TLS1_3_VERSION,
       {Version::tls_1_0, Version::tls_1_1, Version::tls_1_2, Version::tls_1_3}},
      {"as it should be", TLS1_2_VERSION, TLS1_3_VERSION, {Version::tls_1_2, Version::tls_1_3}},
      {"1.0 only", TLS1_VERSION, TLS1_VERSION, {Version::tls_1_0}},
      {"1.1 only", TLS1_1_VERSION, TLS1_1_VERSION, {Version::tls_1_1}},
      {"1.3 only", TLS1_3_VERSION, TLS1_3_VERSION, {Version::tls_1_3}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Server server;
    server.oldest = row.oldest;
    server.newest = row.newest;
    const Probed probe = probed(server);
    REQUIRE(probe.facts.versions.size() == 5);
    for (const TlsOffer& offer : probe.facts.versions) {
      CAPTURE(to_string(offer.version));
      if (offer.version == Version::ssl_3) {
        CHECK(offer.state == not_probed);
        CHECK(offer.detail == "this build of OpenSSL has no SSLv3");
        continue;
      }
      const bool wanted =
          std::find(row.versions.begin(), row.versions.end(), offer.version) != row.versions.end();
      CHECK(offer.state == (wanted ? offered : refused));
      CHECK(offer.cipher.empty() != wanted);
      CHECK(offer.group.empty() != wanted);
    }
    CHECK(probe.facts.chain == identity().chain.served());
    CHECK(probe.facts.trouble.empty());
  }
}

TEST_CASE("kinds of weak ciphers one by one") {
  const Server usual;
  const Probed probe = probed(usual);
  CHECK(probe.of(CipherKind::null) == refused);
  CHECK(probe.of(CipherKind::anonymous) == refused);
  // Debian's library has none of these.
  CHECK(probe.of(CipherKind::export_grade) == not_probed);
  CHECK(probe.of(CipherKind::cbc_sha1) == offered);
  CHECK(probe.of(CipherKind::no_forward_secrecy) == refused);  // not with a key of an EC
  Server strict;
  strict.ciphers = "ECDHE+AESGCM";
  CHECK(probed(strict).of(CipherKind::cbc_sha1) == refused);
  Server careless;
  careless.ciphers = "ALL:eNULL:@SECLEVEL=0";
  const Probed worst = probed(careless);
  CHECK(worst.of(CipherKind::null) == offered);
  CHECK(worst.of(CipherKind::anonymous) == offered);
  CHECK(worst.facts.weak_ciphers.front().cipher.find("NULL") != std::string::npos);
  Server newest;
  newest.oldest = TLS1_3_VERSION;
  for (const CipherOffer& offer : probed(newest).facts.weak_ciphers) CHECK(offer.state != offered);
}

TEST_CASE("STARTTLS comes first where the protocol has it") {
  Server server;
  server.plain_greeting = "220 mx.example.org ESMTP\r\n";
  const Probed probe = probed(server);
  CHECK(probe.facts.starttls);
  CHECK(probe.facts.greeting == "220 mx.example.org ESMTP");
  CHECK(probe.of(Version::tls_1_3) == offered);
  server.starttls = false;
  const Probed without = probed(server);
  CHECK_FALSE(without.facts.starttls);
  CHECK(without.facts.versions.empty());
  CHECK(without.facts.trouble == "STARTTLS is not offered");
  CHECK(without.connections == 1);
}

TEST_CASE("a server that does not answer is not asked for long") {
  const Probed probe = probed({Server::Answer::hangs});
  CHECK(probe.connections == 2);
  CHECK(probe.of(Version::tls_1_3) == unanswered);
  CHECK(probe.offer(Version::tls_1_3).detail == "no answer in time");
  CHECK(probe.of(Version::tls_1_0) == unanswered);
  CHECK(probe.offer(Version::tls_1_0).detail == "not tried: the server did not answer before");
  CHECK_FALSE(probe.facts.needs_small_hello);
}

TEST_CASE("a large ClientHello that gets no answer is tried once more in small") {
  Server server;
  server.answer = Server::Answer::hangs_on_large;
  const Probed probe = probed(server, 10);
  CHECK(probe.facts.needs_small_hello);
  CHECK(probe.of(Version::tls_1_3) == offered);
  CHECK(probe.of(Version::tls_1_2) == offered);
  CHECK_FALSE(probe.facts.chain.empty());
  // One that was not large is not tried again.
  server.first_hello = 0;
  const Probed small = probed(server);
  CHECK_FALSE(small.facts.needs_small_hello);
  CHECK(small.of(Version::tls_1_3) == unanswered);
  // It was not the size.
  const Probed hangs = probed({Server::Answer::hangs}, 10);
  CHECK_FALSE(hangs.facts.needs_small_hello);
  CHECK(hangs.connections == 2);
}

TEST_CASE("one connection, and then none") {
  Server server;
  server.connections = 1;
  const Probed probe = probed(server);
  CHECK(probe.of(Version::tls_1_3) == offered);
  CHECK(probe.of(Version::tls_1_2) == unanswered);
  CHECK(probe.offer(Version::tls_1_2).detail == "cannot connect again: Connection refused");
  server.connections = 0;
  const Probed none = probed(server);
  CHECK_FALSE(none.facts.connected);
  CHECK(none.facts.trouble == "cannot connect: Connection refused");
}

TEST_CASE("to whom the chain leads, and what is stapled") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "ca.pem";
  folder.write("ca.pem", made::pem_of(identity().chain.root.get()));
  Server server;
  server.staples = true;
  const Probed good = probed(server, kLargeHelloOctets, file.string());
  CHECK(good.facts.trust == ChainTrust::trusted);
  CHECK(good.facts.trust_detail.empty());
  CHECK(good.facts.ocsp_stapled);
  const Probed unknown = probed({});
  CHECK(unknown.facts.trust == ChainTrust::untrusted);
  CHECK(unknown.facts.trust_detail == "unable to get local issuer certificate");
  CHECK_FALSE(unknown.facts.ocsp_stapled);
  const Probed unreadable = probed({}, kLargeHelloOctets, "/nonexistent/ca.pem");
  CHECK(unreadable.facts.trust == ChainTrust::not_checked);
}
