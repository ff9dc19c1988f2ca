#include "signature/key_lookup.h"

#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>

#include "lib/dkim/messages.h"

using namespace authmilter;
using namespace dkim_test;

TEST_CASE(
    "keys are parsed once for as long as the answer lives, and so is what is wrong with them") {
  const std::string good = key_record_text(*private_key(KeyType::rsa));
  const std::string ed = key_record_text(*private_key(KeyType::ed25519));
  const struct {
    std::string why;
    std::string zone_text;
    std::size_t keys;
    std::optional<KeyFault> fault;
  } rows[] = {
      {"an RSA key", txt_line("k.test", good), 1, {}},
      {"an RSA key of 1024 bits",
       txt_line("k.test", key_record_text(*private_key(KeyType::rsa, 1024))),
       1,
       {}},
      {"an RSA key of 4096 bits",
       txt_line("k.test", key_record_text(*private_key(KeyType::rsa, 4096))),
       1,
       {}},
      {"an Ed25519 key", txt_line("k.test", ed), 1, {}},
      {"both", txt_line("k.test", good) + txt_line("k.test", ed), 2, {}},
      {"no key record", txt_line("k.test", "v=spf1 -all"), 0, KeyFault::no_key},
      {"no TXT record", "k.test. A 192.0.2.1\n", 0, KeyFault::no_key},
      {"no name", "other.test. A 192.0.2.1\n", 0, KeyFault::no_key},
      {"revoked", txt_line("k.test", "v=DKIM1; p="), 0, KeyFault::revoked},
      {"no key in it", txt_line("k.test", "v=DKIM1; p=AAAA"), 0, KeyFault::malformed},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(row.zone_text);
    const auto name = *DomainName::parse("k.test");
    const KeyLookup first = look_up_keys(name, *resolver);
    const KeyLookup second = look_up_keys(name, *resolver);
    CHECK_FALSE(first.failed);
    CHECK(first.keys().size() == row.keys);
    if (row.keys == 0) CHECK(first.fault() == row.fault);
    // Without records there is no answer that lives on, and nothing to parse.
    const auto answer = resolver->resolve({name, RrType::txt});
    if (answer->status == DnsStatus::success) {
      CHECK(first.published == second.published);
      CHECK(answer->forms.octets() > 0);
    }
  }
}

TEST_CASE("an answer that did not come has no keys and no fault of theirs") {
  const auto resolver = make_test_resolver("", {{"k.test", DnsFault::timeout}});
  const KeyLookup lookup = look_up_keys(*DomainName::parse("k.test"), *resolver);
  REQUIRE(lookup.failed);
  CHECK(lookup.failed->fault == DnsFault::timeout);
  CHECK(lookup.keys().empty());
  CHECK_FALSE(lookup.fault());
}

TEST_CASE("the public key of a record") {
  KeyRecord record;
  record.public_key = private_key(KeyType::rsa)->dns_public_key();
  CHECK(read_public_key(record));
  record.type = KeyType::ed25519;
  CHECK_FALSE(read_public_key(record));
  record.public_key = "!";
  CHECK_FALSE(read_public_key(record));
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
