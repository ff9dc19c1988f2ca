#include "crypto/pem_octets.h"

#include <authmilter/private_key.h>

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "vectors.h"

using namespace authmilter;

namespace {

std::optional<std::string> octets(const std::string& between) {
  const auto read = octets_of_pem("-----BEGIN PRIVATE KEY-----" + between +
                                  "-----END PRIVATE KEY-----\nand more\n");
  if (!read) return std::nullopt;
  return std::string(read->view().begin(), read->view().end());
}

}  // namespace

TEST_CASE("the octets of a PEM text (RFC 7468 section 3)") {
  const struct {
    const char* why;
    const char* between;
    std::optional<std::string> octets;
  } rows[] = {
      {"one line", "\nYWJjZGVm\n", "abcdef"},
      {"two lines", "\nYWJj\nZGVm\n", "abcdef"},
      {"lines of any length", "\r\nY W\tJ\r\njZG\nVm", "abcdef"},
      {"two octets at the end", "\nYWJjZGU=\n", "abcde"},
      {"one", "\nYWJjZA==\n", "abcd"},
      {"padding on two lines", "\nYWJjZA=\n=\n", "abcd"},
      {"nothing", "\n\n", ""},
      {"no padding", "\nYWJjZA\n", std::nullopt},
      {"too much", "\nYWJjZA===\n", std::nullopt},
      {"after nothing", "\n====\n", std::nullopt},
      {"something behind it", "\nYWJjZA==\nYWJj\n", std::nullopt},
      {"not a digit", "\nYWJjZG-m\n", std::nullopt},
      {"not ASCII", "\nYWJj\xc3\xa4\n", std::nullopt},
      {"a header field", "\nProc-Type: 4,ENCRYPTED\n\nYWJj\n", std::nullopt},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(octets(row.between) == row.octets);
  }
  CHECK(octets(std::string(8192 / 3 * 4, 'A'))->size() == 8190);
  CHECK_FALSE(octets(std::string(8196 / 3 * 4, 'A')));
  CHECK_FALSE(
      octets_of_pem("text\n-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n"));
}

TEST_CASE("a key that is made ready when it is used is the key that is read at once") {
  for (const char* pem : {vectors::kEd25519Pem, vectors::kRsaPem}) {
    const auto now = private_key_from_pem(pem, "k");
    const auto later = deferred_private_key(pem, "k");
    REQUIRE(now);
    REQUIRE(later);
    CHECK((*later)->type() == (*now)->type());
    CHECK((*later)->bits() == (*now)->bits());
    CHECK((*later)->dns_public_key() == (*now)->dns_public_key());
  }
}
