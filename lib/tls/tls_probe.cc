#include <authmilter/tls_probe.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tls/chain_trust.h"
#include "tls/handshake.h"
#include "tls/plain_dialogue.h"
#include "tls/server_probe.h"
#include "tls/tcp_stream.h"

namespace authmilter {
namespace {

using std::chrono::steady_clock;

// Postfix's postscreen waits six seconds before its greeting is whole (postscreen_greet_wait).
constexpr int kGreetingTimes = 2;
// A server that leaves two ClientHellos without an answer will leave the others.
constexpr int kMostUnanswered = 2;
// What every server had before post-quantum groups.
constexpr const char* kClassicalGroups = "X25519:P-256:P-384:P-521";

constexpr std::array kVersionsNewestFirst = {TlsVersion::tls_1_3, TlsVersion::tls_1_2,
                                             TlsVersion::tls_1_1, TlsVersion::tls_1_0,
                                             TlsVersion::ssl_3};

struct KindOfCiphers {
  CipherKind kind;
  const char* words;  // OpenSSL's
};
/// Each without what an earlier one has.
constexpr KindOfCiphers kWeakCiphers[] = {
    {CipherKind::null, "eNULL"},
    {CipherKind::anonymous, "aNULL:!eNULL"},
    {CipherKind::export_grade, "EXPORT"},
    {CipherKind::rc4, "RC4:!aNULL"},
    {CipherKind::triple_des, "3DES:!aNULL"},
    // Forward secret, but with SHA-1 in CBC mode (RFC 9325 section 4.1).
    {CipherKind::cbc_sha1, "kECDHE+SHA1:kDHE+SHA1:!aNULL:!eNULL:!3DES:!RC4"},
    {CipherKind::no_forward_secrecy, "kRSA:!aNULL:!eNULL:!3DES:!RC4"},
};

/// One server: connections, one after the other.
class Probe {
 public:
  Probe(const Dial& dial, ServerFacts& facts, const TlsProbeOptions& options,
        std::size_t large_hello)
      : dial_(dial),
        facts_(facts),
        options_(options),
        large_hello_(large_hello),
        whole_(steady_clock::now() + options.whole) {}

  void run() {
    if (!open_first()) return;
    for (const TlsVersion version : kVersionsNewestFirst) try_version(version);
    std::reverse(facts_.versions.begin(), facts_.versions.end());
    for (const KindOfCiphers& kind : kWeakCiphers) try_ciphers(kind);
    if (facts_.chain.empty()) {
      if (facts_.trouble.empty()) facts_.trouble = "no handshake ended well: " + first_refusal();
      return;
    }
    ChainVerdict verdict = verify_chain(facts_.chain, options_.ca_file);
    facts_.trust = verdict.trust;
    facts_.trust_detail = std::move(verdict.detail);
  }

 private:
  StreamDeadline step() const { return std::min(whole_, steady_clock::now() + options_.timeout); }

  /// The first connection tells what is said in plain text; it serves the first handshake too.
  bool open_first() {
    Dialled dialled = dial_(step());
    if (!dialled.stream) {
      facts_.trouble = "cannot connect: " + dialled.trouble;
      return false;
    }
    facts_.connected = true;
    facts_.same_host = dialled.same_host;
    stream_ = std::move(dialled.stream);
    if (begins_with_tls(facts_.protocol)) return true;
    PlainDialogue said = speak();
    facts_.greeting = std::move(said.greeting);
    facts_.starttls = said.starttls;
    facts_.plain_logins = std::move(said.plain_logins);
    facts_.trouble = std::move(said.trouble);
    if (said.has_early_octets)
      facts_.trouble = "octets in plain text came behind the answer to STARTTLS; not looked at";
    return said.ready;
  }

  PlainDialogue speak() {
    return speak_plain(*stream_, facts_.protocol, options_.helo,
                       {options_.timeout * kGreetingTimes, options_.timeout, whole_});
  }

  /// A connection that waits for a ClientHello; false, and why, when there is none.
  bool ready(std::string& why) {
    if (stream_) return true;  // the first one
    Dialled dialled = dial_(step());
    if (!dialled.stream) {
      why = "cannot connect again: " + dialled.trouble;
      return false;
    }
    stream_ = std::move(dialled.stream);
    if (begins_with_tls(facts_.protocol)) return true;
    const PlainDialogue said = speak();
    if (said.ready) return true;
    stream_.reset();
    why = said.trouble;
    return false;
  }

  HandshakeOutcome attempt(HandshakeOffer offer) {
    HandshakeOutcome outcome;
    outcome.state = OfferState::unanswered;
    if (unanswered_ >= kMostUnanswered) {
      outcome.detail = "not tried: the server did not answer before";
      return outcome;
    }
    if (steady_clock::now() >= whole_) {
      outcome.detail = "not tried: the time for this server is over";
      return outcome;
    }
    if (ready(outcome.detail)) {
      offer.server_name = server_name();
      if (facts_.needs_small_hello) offer.groups = kClassicalGroups;
      outcome = shake_hands(*stream_, offer, step());
      stream_.reset();
    }
    unanswered_ = outcome.state == OfferState::unanswered ? unanswered_ + 1 : 0;
    return outcome;
  }

  /// RFC 6066 section 3: names only, no addresses.
  std::string server_name() const {
    return IpAddress::parse(facts_.host) ? std::string() : facts_.host;
  }

  void try_version(TlsVersion version) {
    TlsOffer offer{version, OfferState::not_probed, {}, {}, {}};
    const HandshakeOffer hello{version, version, "DEFAULT", {}, {}};
    if (!can_offer(hello)) {
      offer.detail = "this build of OpenSSL has no " + std::string(to_string(version));
      facts_.versions.push_back(std::move(offer));
      return;
    }
    HandshakeOutcome outcome = attempt(hello);
    if (outcome.state == OfferState::unanswered && outcome.hello_octets > large_hello_ &&
        !facts_.needs_small_hello) {
      facts_.needs_small_hello = true;
      HandshakeOutcome again = attempt(hello);
      if (again.state == OfferState::unanswered) {
        facts_.needs_small_hello = false;  // it was not the size
      } else {
        outcome = std::move(again);
      }
    }
    offer.state = outcome.state;
    offer.cipher = outcome.cipher;
    offer.group = std::move(outcome.group);
    offer.detail = std::move(outcome.detail);
    facts_.versions.push_back(std::move(offer));
    if (outcome.completed && facts_.chain.empty()) {
      facts_.chain = std::move(outcome.chain);
      facts_.ocsp_stapled = outcome.ocsp_stapled;
    }
  }

  bool is_offered(TlsVersion version) const {
    return std::any_of(facts_.versions.begin(), facts_.versions.end(), [&](const TlsOffer& offer) {
      return offer.version == version && offer.state == OfferState::offered;
    });
  }

  /// Of the newest version that could be tried.
  std::string first_refusal() const {
    const auto tried =
        std::find_if(facts_.versions.rbegin(), facts_.versions.rend(),
                     [](const TlsOffer& offer) { return offer.state != OfferState::not_probed; });
    return tried == facts_.versions.rend() ? "none was tried" : tried->detail;
  }

  void try_ciphers(const KindOfCiphers& kind) {
    CipherOffer offer{kind.kind, OfferState::not_probed, {}};
    // TLS 1.3 alone has none of them.
    const bool has_old = is_offered(TlsVersion::tls_1_2) || is_offered(TlsVersion::tls_1_1) ||
                         is_offered(TlsVersion::tls_1_0);
    const HandshakeOffer hello{TlsVersion::tls_1_0, TlsVersion::tls_1_2, kind.words, {}, {}};
    if (can_offer(hello)) {
      if (has_old || !is_offered(TlsVersion::tls_1_3)) {
        HandshakeOutcome outcome = attempt(hello);
        offer.state = outcome.state;
        offer.cipher = std::move(outcome.cipher);
      } else {
        offer.state = OfferState::refused;
      }
    }
    facts_.weak_ciphers.push_back(std::move(offer));
  }

  const Dial& dial_;
  ServerFacts& facts_;
  const TlsProbeOptions& options_;
  std::size_t large_hello_;
  StreamDeadline whole_;
  std::unique_ptr<ServerStream> stream_;
  int unanswered_ = 0;
};

}  // namespace

ServerFacts probe_server_by(const Dial& dial, ServerFacts facts, const TlsProbeOptions& options,
                            std::size_t large_hello) {
  Probe(dial, facts, options, large_hello).run();
  return facts;
}

ServerFacts probe_server(ServerProtocol protocol, const std::string& host, const IpAddress& address,
                         std::uint16_t port, const TlsProbeOptions& options) {
  ServerFacts facts;
  facts.protocol = protocol;
  facts.host = host;
  facts.address = address;
  facts.port = port;
  const Dial dial = [&](StreamDeadline deadline) { return dial_tcp(address, port, deadline); };
  return probe_server_by(dial, std::move(facts), options);
}

}  // namespace authmilter
