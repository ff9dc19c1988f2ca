#include <authmilter/tls_probe.h>

#include <doctest/doctest.h>

#include "support/made_certificates.h"

using namespace authmilter;
using made::kDay;
using made::kNow;

TEST_CASE("what is read of a certificate (RFC 5280)") {
  const made::Chain chain({"mx.example.org", {"MX.example.org", "*.example.net"}});
  const auto server = read_certificate(der_of(chain.server.get()));
  REQUIRE(server);
  CHECK(server->subject == "CN=mx.example.org");
  CHECK(server->issuer == "CN=Test Issuer");
  CHECK(server->dns_names == std::vector<std::string>{"mx.example.org", "*.example.net"});
  CHECK(server->not_before == kNow - 30 * kDay);
  CHECK(server->not_after == kNow + 90 * kDay);
  CHECK(server->key_type == "EC prime256v1");
  CHECK(server->key_bits == 256);
  CHECK(server->signature_algorithm == "ecdsa-with-SHA256");
  CHECK(server->sha256.size() == 64);
  CHECK_FALSE(server->self_signed);
  const auto root = read_certificate(der_of(chain.root.get()));
  REQUIRE(root);
  CHECK(root->self_signed);
  CHECK(root->dns_names.empty());
}

TEST_CASE("keys and signatures by their names") {
  const Key rsa = made::rsa_key(1024);
  const auto weak = read_certificate(der_of(
      made::certificate({"mx", {"mx.example.org"}, kNow, kNow + kDay, false, EVP_sha1()}, rsa.get())
          .get()));
  REQUIRE(weak);
  CHECK(weak->key_type == "RSA");
  CHECK(weak->key_bits == 1024);
  CHECK(weak->signature_algorithm == "sha1WithRSAEncryption");
  const Key ed(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const auto modern = read_certificate(der_of(made::certificate({}, ed.get()).get()));
  REQUIRE(modern);
  CHECK(modern->key_type == "ED25519");
  CHECK(modern->signature_algorithm == "ED25519");
}

TEST_CASE("what is not a certificate, and names that would fool people") {
  const made::Chain chain;
  const std::string der = der_of(chain.server.get());
  CHECK_FALSE(read_certificate(""));
  CHECK_FALSE(read_certificate("MZ"));
  CHECK_FALSE(read_certificate(der.substr(0, der.size() - 1)));
  CHECK_FALSE(read_certificate(der + "x"));
  const Key key = made::ec_key();
  const auto odd = read_certificate(
      der_of(made::certificate({"a\x1b[2J, \xc3\xa9", {"mx.example.org"}}, key.get()).get()));
  REQUIRE(odd);
  CHECK(odd->subject == "CN=a\\1B[2J\\, \\C3\\A9");
}

TEST_CASE("whose a certificate is (RFC 6125 section 6.4)") {
  const struct {
    const char* why;
    std::vector<std::string> names;
    const char* host;
    bool has;
  } rows[] = {
      {"the name", {"mx.example.org"}, "mx.example.org", true},
      {"in any case", {"mx.example.org"}, "MX.Example.ORG", true},
      {"the root's dot is not part of it", {"mx.example.org"}, "mx.example.org.", true},
      {"the second of two", {"example.org", "mx.example.org"}, "mx.example.org", true},
      {"another", {"example.org"}, "mx.example.org", false},
      {"none", {}, "mx.example.org", false},
      {"no host", {"mx.example.org"}, "", false},
      {"a wildcard is one label", {"*.example.org"}, "mx.example.org", true},
      {"and one only", {"*.example.org"}, "a.mx.example.org", false},
      {"not none", {"*.example.org"}, "example.org", false},
      {"a part of a label is not a wildcard", {"m*.example.org"}, "mx.example.org", false},
      {"nor is one further on", {"mx.*.org"}, "mx.example.org", false},
      {"nor one for all of a top-level domain", {"*.org"}, "example.org", false},
      {"the end of a name is not the name", {"x.example.org"}, "mx.example.org", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CertificateFacts facts;
    facts.dns_names = row.names;
    CHECK(certificate_has_name(facts, row.host) == row.has);
  }
}
