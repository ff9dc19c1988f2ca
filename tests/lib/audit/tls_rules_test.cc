#include <doctest/doctest.h>

#include <authmilter/audit_gather.h>

#include "judged_servers.h"
#include "support/scripted_resolver.h"

using namespace authmilter;
using namespace authmilter::servers;

namespace {

void serve(ServerFacts& server, const made::Chain& chain) { server.chain = chain.served(); }

}  // namespace

TEST_CASE("each server broken in one way") {
  using enum OfferState;
  const made::Chain expired({"mx.example.org", {"mx.example.org"}, kNow - 90 * kDay, kNow - kDay});
  const made::Chain soon({"mx.example.org", {"mx.example.org"}, kNow - kDay, kNow + 29 * kDay});
  const made::Chain not_soon({"mx.example.org", {"mx.example.org"}, kNow - kDay, kNow + 30 * kDay});
  const made::Chain early({"mx.example.org", {"mx.example.org"}, kNow + kDay, kNow + 90 * kDay});
  const made::Chain other({"mail.example.org", {"mail.example.org"}});
  const Key weak_key = made::rsa_key(1024);
  const Certificate weak = made::certificate({}, weak_key.get());
  const Key key = made::ec_key();
  const Key issuer_key = made::ec_key();
  const Certificate issuer =
      made::certificate({"Test Issuer", {}, kNow - kDay, kNow + kDay, true}, issuer_key.get());
  const Certificate sha1 = made::certificate(
      {"mx.example.org", {"mx.example.org"}, kNow - kDay, kNow + 90 * kDay, false, EVP_sha1()},
      key.get(), issuer.get(), issuer_key.get());
  const struct {
    const char* why;
    std::function<void(ServerFacts&)> change;
    const char* complaints;
  } rows[] = {
      {"good", [](ServerFacts&) {}, ""},
      {"no STARTTLS",
       [](ServerFacts& s) {
         s = ServerFacts{};
         s.host = "mx.example.org";
         s.address = IpAddress::parse("192.0.2.1");
         s.connected = true;
         s.trouble = std::string(kStarttlsNotOffered);
       },
       "starttls.offered=fail"},
      {"EHLO is not known",
       [](ServerFacts& s) {
         s.versions.clear();
         s.chain.clear();
         s.starttls = false;
         s.trouble = "EHLO was answered by 502 what?";
       },
       "starttls.offered=fail"},
      {"named and refused",
       [](ServerFacts& s) {
         s.versions.clear();
         s.chain.clear();
         s.trouble = "STARTTLS was answered by 454 4.7.0 TLS not available";
       },
       "starttls.offered=fail"},
      {"it did not answer",
       [](ServerFacts& s) {
         s.versions.clear();
         s.chain.clear();
         s.starttls = false;
         s.trouble = "the server did not answer in time (greeting)";
       },
       "starttls.offered=unknown"},
      {"not to be reached",
       [](ServerFacts& s) {
         s.versions.clear();
         s.chain.clear();
         s.connected = s.starttls = false;
         s.trouble = "cannot connect: Connection timed out";
       },
       "starttls.offered=unknown"},
      {"TLS 1.3 alone", [](ServerFacts& s) { version_of(s, TlsVersion::tls_1_2).state = refused; },
       ""},
      {"TLS 1.2 alone", [](ServerFacts& s) { version_of(s, TlsVersion::tls_1_3).state = refused; },
       ""},
      {"TLS 1.0 too", [](ServerFacts& s) { version_of(s, TlsVersion::tls_1_0).state = offered; },
       "tls.old=warn"},
      {"TLS 1.1 too", [](ServerFacts& s) { version_of(s, TlsVersion::tls_1_1).state = offered; },
       "tls.old=warn"},
      {"nothing newer than 1.1",
       [](ServerFacts& s) {
         version_of(s, TlsVersion::tls_1_1).state = offered;
         version_of(s, TlsVersion::tls_1_2).state = refused;
         version_of(s, TlsVersion::tls_1_3).state = refused;
       },
       "tls.version=fail tls.old=warn"},
      {"it did not answer to any",
       [](ServerFacts& s) {
         for (TlsOffer& offer : s.versions) offer.state = unanswered;
         for (CipherOffer& offer : s.weak_ciphers) offer.state = unanswered;
         s.chain.clear();
       },
       "tls.version=unknown tls.old=unknown tls.cipher=unknown"},
      {"SHA-1 in a cipher",
       [](ServerFacts& s) { kind_of(s, CipherKind::cbc_sha1).state = offered; }, "tls.cipher=warn"},
      {"anonymous", [](ServerFacts& s) { kind_of(s, CipherKind::anonymous).state = offered; },
       "tls.cipher=fail"},
      {"what the library could not try is not accused",
       [](ServerFacts& s) { kind_of(s, CipherKind::rc4).state = not_probed; }, ""},
      {"a short DH", [](ServerFacts& s) { version_of(s, TlsVersion::tls_1_2).group = "DH 1024"; },
       "tls.group=fail"},
      {"a shortish DH",
       [](ServerFacts& s) { version_of(s, TlsVersion::tls_1_2).group = "DH 1536"; },
       "tls.group=warn"},
      {"a DH that will do",
       [](ServerFacts& s) { version_of(s, TlsVersion::tls_1_2).group = "DH 2048"; }, ""},
      {"a short curve",
       [](ServerFacts& s) { version_of(s, TlsVersion::tls_1_2).group = "secp192r1"; },
       "tls.group=fail"},
      {"a good one", [](ServerFacts& s) { version_of(s, TlsVersion::tls_1_2).group = "secp384r1"; },
       ""},
      {"post-quantum",
       [](ServerFacts& s) { version_of(s, TlsVersion::tls_1_3).group = "X25519MLKEM768"; }, ""},
      {"a large ClientHello hangs", [](ServerFacts& s) { s.needs_small_hello = true; },
       "tls.hello=warn"},
      {"nobody's authority",
       [](ServerFacts& s) {
         s.trust = ChainTrust::untrusted;
         s.trust_detail = "self-signed certificate";
       },
       "cert.chain=fail"},
      {"no authorities to compare with", [](ServerFacts& s) { s.trust = ChainTrust::not_checked; },
       "cert.chain=unknown"},
      {"another name", [&](ServerFacts& s) { serve(s, other); }, "cert.name=fail"},
      {"expired", [&](ServerFacts& s) { serve(s, expired); }, "cert.expiry=fail"},
      {"29 days are left", [&](ServerFacts& s) { serve(s, soon); }, "cert.expiry=warn"},
      {"30 days are left", [&](ServerFacts& s) { serve(s, not_soon); }, ""},
      {"not valid yet", [&](ServerFacts& s) { serve(s, early); }, "cert.expiry=fail"},
      {"a short key", [&](ServerFacts& s) { s.chain = {der_of(weak.get())}; }, "cert.key=fail"},
      {"SHA-1 in the signature",
       [&](ServerFacts& s) {
         s.chain = {der_of(sha1.get()), der_of(issuer.get())};
       },
       "cert.signature=fail"},
      {"no certificate", [](ServerFacts& s) { s.chain = {"MZ"}; },
       "cert.name=fail cert.expiry=fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    ServerFacts server = good();
    row.change(server);
    std::string found = complaints(domain_with({server}), tls_rules());
    // SSLv3 cannot be tried with Debian's library, which each row has.
    if (const std::size_t at = found.find("tls.ssl3=unknown"); at != std::string::npos) {
      found.erase(at, std::string_view("tls.ssl3=unknown").size());
      if (at < found.size()) found.erase(at, 1);
      if (!found.empty() && found.back() == ' ') found.pop_back();
    } else {
      CHECK(server.versions.empty());
    }
    CHECK(found == row.complaints);
  }
}

TEST_CASE("SSLv3 by what was found") {
  const struct {
    OfferState state;
    CheckStatus status;
  } rows[] = {
      {OfferState::offered, CheckStatus::fail},
      {OfferState::refused, CheckStatus::pass},
      {OfferState::not_probed, CheckStatus::unknown},
      {OfferState::unanswered, CheckStatus::unknown},
  };
  for (const auto& row : rows) {
    CAPTURE(to_string(row.state));
    ServerFacts server = good();
    version_of(server, TlsVersion::ssl_3).state = row.state;
    const auto verdicts = verdicts_of(domain_with({server}), "tls.ssl3");
    REQUIRE(verdicts.size() == 1);
    CHECK(verdicts[0].status == row.status);
  }
}

TEST_CASE("the profile has the floors") {
  ServerFacts server = good();
  version_of(server, TlsVersion::tls_1_1).state = OfferState::offered;
  AuditProfile strict = profile();
  strict.old_tls_fails = true;
  CHECK(verdicts_of(domain_with({server}), "tls.old", strict)[0].status == CheckStatus::fail);
  strict.oldest_tls = TlsVersion::tls_1_3;
  version_of(server, TlsVersion::tls_1_1).state = OfferState::refused;
  const Verdict old = verdicts_of(domain_with({server}), "tls.old", strict)[0];
  CHECK(old.status == CheckStatus::fail);
  CHECK(old.evidence.find("TLS 1.2") != std::string::npos);
  strict.certificate_ec_bits = 384;
  CHECK(verdicts_of(domain_with({good()}), "cert.key", strict)[0].status == CheckStatus::fail);
}

TEST_CASE("each server has a verdict, and remedies name settings") {
  ServerFacts bad = good();
  bad.address = IpAddress::parse("192.0.2.2");
  version_of(bad, TlsVersion::tls_1_0).state = OfferState::offered;
  const auto verdicts = verdicts_of(domain_with({good(), bad}), "tls.old");
  REQUIRE(verdicts.size() == 2);
  CHECK(verdicts[0].status == CheckStatus::pass);
  CHECK(verdicts[1].status == CheckStatus::warn);
  CHECK(verdicts[1].subject == "mx.example.org 192.0.2.2");
  CHECK(verdicts[1].remedy.find("smtpd_tls_protocols = >=TLSv1.2") != std::string::npos);
  CHECK(verdicts[1].remedy.find("Debian 12") != std::string::npos);
}

TEST_CASE("no rule speaks where no server was asked") {
  for (const AuditRule& rule : tls_rules()) {
    CAPTURE(rule.id);
    CHECK(verdicts_of(domain_with({}), rule.id).empty());
    // Those of people's devices are others' business.
    CHECK(verdicts_of(domain_with({good(ServerProtocol::imaps)}), rule.id).empty());
  }
}

TEST_CASE("mail hosts and addresses that nobody looked at leave STARTTLS open") {
  const auto hosts = [](int count, int addresses) {
    std::string zone;
    for (int i = 1; i <= count; ++i) {
      const std::string host = "h" + std::to_string(i) + ".example.org.";
      zone += "example.org. MX 10 " + host + "\n";
      for (int k = 1; k <= addresses; ++k) zone += host + " A 192.0.2." + std::to_string(k) + "\n";
    }
    return zone;
  };
  const struct {
    const char* why;
    std::string zone;
    std::size_t answered;  // servers that are in the facts
    CheckStatus status;
    const char* evidence;  // of the last verdict
  } rows[] = {
      {"all of them", hosts(2, 2), 4, CheckStatus::pass, "STARTTLS is offered"},
      {"more hosts than are tried", hosts(17, 1), 16, CheckStatus::unknown,
       "mail hosts that were not looked at: 1"},
      {"more addresses than are tried", hosts(1, 5), 4, CheckStatus::unknown,
       "4 of its 5 addresses were looked at"},
      {"facts with half of the servers", hosts(2, 1), 1, CheckStatus::unknown, "was not looked at"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(row.zone);
    GatherOptions options;
    options.servers = true;
    const AuditProbes probes{
        [](ServerProtocol, const std::string& host, const IpAddress& address, std::uint16_t) {
          ServerFacts server = good();
          server.host = host;
          server.address = address;
          return server;
        },
        [](const std::string&) { return FetchFacts{}; }};
    DomainFacts facts =
        gather_domain(DomainName::parse("example.org").value(), options, *resolver, probes);
    facts.servers.resize(row.answered);
    const auto verdicts = verdicts_of(facts, "starttls.offered");
    REQUIRE(verdicts.size() >= row.answered);
    CHECK(verdicts.back().status == row.status);
    CHECK(verdicts.back().evidence == row.evidence);
  }
}
