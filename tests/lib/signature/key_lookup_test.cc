#include "signature/key_lookup.h"

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>

#include "lib/dkim/messages.h"

using namespace authmilter;
using namespace dkim_test;

TEST_CASE("a key is parsed once") {
  KeyCache cache;
  KeyRecord record;
  record.public_key = private_key(KeyType::rsa)->dns_public_key();
  const auto key = cache.parsed(record);
  REQUIRE(key);
  CHECK(cache.parsed(record) == key);
  // The flags are the record's and not the key's.
  record.testing = true;
  CHECK(cache.parsed(record) == key);
  // The type tells one reading of the same octets from another.
  record.type = KeyType::ed25519;
  CHECK_FALSE(cache.parsed(record));
  record.public_key = "!";
  CHECK_FALSE(cache.parsed(record));
}

TEST_CASE("the cache of keys is bounded, and keeps what is used") {
  KeyCache cache;
  const auto numbered = [](unsigned number) {
    KeyRecord record;
    record.type = KeyType::ed25519;
    Octets octets(32, 1);
    octets[0] = static_cast<std::uint8_t>(number & 255U);
    octets[1] = static_cast<std::uint8_t>(number >> 8U);
    record.public_key = base64_encode(octets);
    return record;
  };
  const auto used = cache.parsed(numbered(0));
  const auto unused = cache.parsed(numbered(1));
  const std::weak_ptr<const PublicKey> forgotten = unused;
  REQUIRE(used);
  for (unsigned number = 2; number < 10'000; ++number) {
    cache.parsed(numbered(number));
    if (number % 1000 == 0) CHECK(cache.parsed(numbered(0)) == used);
  }
  CHECK(forgotten.use_count() == 1);  // `unused` alone
}

TEST_CASE("a published key is compared with the private one (edge case 73)") {
  const auto key = signing_key("r");
  const std::string name = "r._domainkey.example.org";
  const std::string good = key_record_text(*key.key);
  const std::string other = key_record_text(*private_key(KeyType::rsa, 1024));
  const struct {
    std::string why;
    std::string zone_text;
    KeyCheckResult want;
  } rows[] = {
      {"as it should be", txt_line(name, good), KeyCheckResult::match},
      {"split and commented", txt_line(name, "v=DKIM1; t=y; n=ours" + good.substr(7)),
       KeyCheckResult::match},
      {"another key", txt_line(name, other), KeyCheckResult::mismatch},
      {"another type", txt_line(name, key_record_text(*private_key(KeyType::ed25519))),
       KeyCheckResult::mismatch},
      {"both (RFC 6376 section 3.6.2.2)", txt_line(name, other) + txt_line(name, good),
       KeyCheckResult::multiple},
      {"the same key in two spellings", txt_line(name, good) + txt_line(name, good.substr(8)),
       KeyCheckResult::multiple},
      {"the key beside something else", txt_line(name, good) + txt_line(name, "hello"),
       KeyCheckResult::multiple},
      {"a blank and a line end behind it", txt_line(name, good + " \n"), KeyCheckResult::match},
      {"nothing", "example.org. IN A 192.0.2.1\n", KeyCheckResult::missing},
      {"another record", txt_line(name, "v=spf1 -all"), KeyCheckResult::malformed},
      {"another type of record", name + ". IN A 192.0.2.1\n", KeyCheckResult::missing},
      {"revoked", txt_line(name, "v=DKIM1; p="), KeyCheckResult::revoked},
      {"malformed", txt_line(name, "v=DKIM1;; p=AAAA"), KeyCheckResult::malformed},
      {"not for mail", txt_line(name, "s=other; " + good.substr(8)), KeyCheckResult::malformed},
  };
  for (const auto& row : rows) {
    const std::string why = row.why;
    CAPTURE(why);
    const auto resolver = make_test_resolver(row.zone_text);
    const auto check = check_published_key(key, *resolver);
    CHECK(to_string(check.result) == to_string(row.want));
    CHECK(check.published.empty() == (row.want == KeyCheckResult::missing));
    CHECK(check.detail.empty() ==
          (row.want == KeyCheckResult::match && row.why != "split and commented"));
  }
  const auto resolver = make_test_resolver("", {{name, DnsFault::timeout}});
  const auto check = check_published_key(key, *resolver);
  CHECK(check.result == KeyCheckResult::temperror);
  CHECK(check.detail == "the DNS gives no answer now (timeout)");
}

TEST_CASE("what is wrong with a published record is said in words") {
  const auto key = signing_key("r");
  const std::string name = "r._domainkey.example.org";
  const std::string good = key_record_text(*key.key);
  const struct {
    std::string why;
    std::string text;
    std::string words;
  } rows[] = {
      {"escapes of a zone file typed into a form", "v=DKIM1\\; k=rsa\\; p=AAAA",
       "backslashes have been published with it"},
      {"quotation marks", '"' + good + '"', "quotation marks have been published with it"},
      {"cut off", good.substr(0, 100), "is not base64, or a part is missing"},
      {"base64 that is not a key", "v=DKIM1; p=AAAA", "is not a public key of type rsa"},
      {"a tag twice", good + "; k=rsa", "a tag stands in it twice"},
      {"version behind", good.substr(9) + "; v=DKIM1", "is not the first tag"},
      {"another version", "v=DKIM2; p=AAAA", "is not DKIM1"},
      {"no key", "v=DKIM1; k=rsa", "there is no key in it"},
      {"prose", "hello", "it is not a list of tags"},
      {"hashes", "h=sha1; " + good.substr(9), "without sha256"},
      {"services", "s=tlsrpt; " + good.substr(9), "without mail"},
      {"type", "k=dsa; p=AAAA", "neither rsa nor ed25519"},
      {"revoked", "v=DKIM1; p=", "it is revoked"},
      {"too long", "v=DKIM1; n=" + std::string(9000, 'x'), "more than 8192 octets"},
  };
  for (const auto& row : rows) {
    const auto resolver = make_test_resolver(txt_line(name, row.text));
    const auto check = check_published_key(key, *resolver);
    CAPTURE(row.why);
    CAPTURE(check.detail);
    CHECK(check.detail.find(row.words) != std::string::npos);
    CHECK(check.detail.find("key-") == std::string::npos);
  }
}

TEST_CASE("the record to publish names version and type (RFC 6376 section 3.6.1)") {
  CHECK(key_record_text(*private_key(KeyType::rsa)).starts_with("v=DKIM1; k=rsa; p=MII"));
  const auto text = key_record_text(*private_key(KeyType::ed25519));
  CHECK(text.starts_with("v=DKIM1; k=ed25519; p="));
  CHECK(text.size() == 22 + 44);  // RFC 8463 section 4.2: 32 octets in base64
}

TEST_CASE("a selector is labels, and digits are one (RFC 6376 section 3.1)") {
  CHECK(Selector::parse("20230601")->text() == "20230601");
  CHECK(Selector::parse("A.b_c.2")->text() == "a.b_c.2");
  CHECK(Selector::parse("b\xc3\xbc"
                        "cher")
            ->text() == "xn--bcher-kva");
  for (const char* text : {"", ".", "a.", ".a", "a..b", "-a", "a b", "a\\.b", "*", "a/b"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(Selector::parse(text));
  }
  CHECK_FALSE(Selector::parse(std::string(64, 'a')));
  CHECK(Selector::parse("s")->key_name(*DomainName::parse("example.org"))->text() ==
        "s._domainkey.example.org");
  CHECK_FALSE(Selector::parse(std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                              std::string(63, 'c') + "." + std::string(45, 'd'))
                  ->key_name(*DomainName::parse("example.org")));
}
