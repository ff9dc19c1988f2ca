#include <authmilter/crypto.h>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using authmilter::base64_decode;
using authmilter::base64_encode;
using authmilter::Octets;
using authmilter::sha256;

namespace {

Octets octets(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace

TEST_CASE("SHA-256 (FIPS 180-4; RFC 6234 section 8.5)") {
  const struct {
    std::string why;
    std::string data;
    const char* digest;
  } rows[] = {
      {"empty", "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
      {"abc", "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
      {"RFC 6376 section 3.4.3: the empty body is CRLF for simple", "\r\n",
       "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(base64_encode(sha256(row.data)) == row.digest);
  }
}

TEST_CASE("base64 there and back (RFC 4648 section 10)") {
  const struct {
    std::string text;
    const char* encoded;
  } rows[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {std::string("\x00\xff\xfe\x3f", 4), "AP/+Pw=="},
  };
  for (const auto& row : rows) {
    CAPTURE(row.encoded);
    CHECK(base64_encode(octets(row.text)) == row.encoded);
    CHECK(base64_decode(row.encoded) == octets(row.text));
  }
}

TEST_CASE("base64 is strict (RFC 4648 section 3.3)") {
  const struct {
    std::string why;
    std::string text;
  } rows[] = {
      {"a blank", "Zm9v YmFy"},
      {"a line end", "Zm9v\r\n"},
      {"one digit", "Z"},
      {"two digits without padding", "Zg"},
      {"padding only", "===="},
      {"three pads", "Z==="},
      {"pad in the middle", "Zg==Zm9v"},
      {"pad between digits", "Zm=v"},
      {"the URL alphabet", "-_-_"},
      {"an octet above ASCII", "Zm9\xe9"},
      {"NUL", std::string("Zm9\0", 4)},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK_FALSE(base64_decode(row.text));
  }
}

TEST_CASE("pad bits are let pass (RFC 4648 section 3.5)") {
  CHECK(base64_decode("Zh==") == octets("f"));
}
