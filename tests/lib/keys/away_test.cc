#include <authmilter/published_key.h>
#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>

using namespace authmilter;

namespace {

/// A key in a token that has not been there yet.
class AwayKey final : public PrivateKey {
 public:
  std::optional<Error> unavailable() const override { return Error{"token mail: away"}; }
  KeyType type() const override { throw std::logic_error("type"); }
  unsigned bits() const override { throw std::logic_error("bits"); }
  Result<Octets> sign_sha256(const Sha256Digest&) const override { return Error{"away"}; }
  std::string dns_public_key() const override { throw std::logic_error("public half"); }
};

}  // namespace

TEST_CASE("what is published for a key that is away cannot be told now") {
  const auto resolver = make_test_resolver("r._domainkey.example.org. IN TXT \"v=DKIM1; p=\"\n");
  const SigningKey key{*DomainName::parse("example.org"), *Selector::parse("r"),
                       std::make_shared<const AwayKey>()};
  const KeyCheck check = check_published_key(key, *resolver);
  CHECK(check.result == KeyCheckResult::temperror);
  CHECK(check.detail == "the key cannot be had now: token mail: away");
}
