#include <authmilter/key_ring.h>
#include <authmilter/key_states.h>
#include <authmilter/published_key.h>
#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "sign/own_signatures.h"

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

const SigningKey kAway{*DomainName::parse("example.org"), *Selector::parse("r"),
                       std::make_shared<const AwayKey>()};

}  // namespace

TEST_CASE("what is published for a key that is away cannot be told now") {
  const auto resolver = make_test_resolver("r._domainkey.example.org. IN TXT \"v=DKIM1; p=\"\n");
  const KeyCheck check = check_published_key(kAway, *resolver);
  CHECK(check.result == KeyCheckResult::temperror);
  CHECK(check.detail == "the key cannot be had now: token mail: away");
}

TEST_CASE("a state knows a key that is away by its selector") {
  KeyLife life{.selector = kAway.selector};
  life.record = "v=DKIM1; k=rsa; p=AAAA";
  life.state = KeyState::active;
  const std::vector<SigningKey> keys = {
      kAway, {kAway.domain, *Selector::parse("later"), std::make_shared<const AwayKey>()}};
  KeyLife later{.selector = keys[1].selector};
  later.record = "v=DKIM1; k=rsa; p=BBBB";
  life.signs = true;
  CHECK(choose_keys(keys, {kAway.domain, {}, {life, later}}) == std::vector<bool>{true, false});
}

TEST_CASE("of a key that is away no signature is known to be ours") {
  const std::vector<SigningKey> keys = {kAway};
  OwnKeyRecords records(keys);
  const auto answer = records.resolve({*kAway.selector.key_name(kAway.domain), RrType::txt});
  CHECK(answer->status == DnsStatus::nxdomain);
}
