#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "lib/sign/outgoing.h"

using namespace authmilter;
using namespace test;

namespace {

constexpr const char* kBoth = "home.example/r home.example/e";

Input from(const std::string& address) {
  return {.header = "From: " + address + "\r\nSubject: s\r\n", .mail_from = "<" + address + ">"};
}

}  // namespace

TEST_CASE("whose signature stands on top") {
  const struct {
    std::string why;
    std::string signing;  // in [signing]
    std::string home;     // in the table of home.example
    Input input;
    std::string selectors;
    std::string reason;
  } rows[] = {
      {"the author's alone", "", "", {}, kBoth, "signed"},
      {"Ed25519 on top",
       "order = \"ed25519-on-top\"\n",
       "",
       {},
       "home.example/e home.example/r",
       "signed"},
      {"... for one domain",
       "",
       "order = \"ed25519-on-top\"\n",
       {},
       "home.example/e home.example/r",
       "signed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const SigningOutcome outcome = sign(row.input, signing_config(row.signing, row.home));
    CHECK(selectors(outcome) == row.selectors);
    CHECK(outcome.reason.text() == row.reason);
    CHECK_FALSE(outcome.failed);
    // The last one that is inserted at the top stands there.
    REQUIRE(outcome.edits.size() == outcome.keys.size());
    for (std::size_t i = 0; i < outcome.keys.size(); ++i) {
      const std::string& value = outcome.edits[outcome.keys.size() - 1 - i].value;
      CHECK(value.find("s=" + outcome.keys[i].selector.text() + ";") != std::string::npos);
    }
  }
}

TEST_CASE("of keys as they are listed, RSA stands on top unless it is said otherwise") {
  const auto order_of = [](const std::string& order) {
    Config config = signing_config(order);
    auto& keys = config.signing.domains[0].keys;
    std::swap(keys[0], keys[1]);
    return selectors(sign({}, config));
  };
  CHECK(order_of("") == "home.example/r home.example/e");
  CHECK(order_of("order = \"rsa-on-top\"\n") == "home.example/r home.example/e");
  CHECK(order_of("order = \"as-listed\"\n") == "home.example/e home.example/r");
}

TEST_CASE("a domain says how its mail is signed, and all others are signed as [signing] says") {
  const Config config = signing_config("lifetime = \"7d\"\n",
                                       "headers = [\"date\"]\noversign = [\"to\"]\n"
                                       "oversign_present = [\"date\"]\nlifetime = \"2d\"\n"
                                       "canonicalization = \"simple/simple\"\n");
  const auto value = [&](const std::string& address) {
    Input input = from(address);
    input.header += "Date: d\r\n";
    return sign(input, config).edits.front().value;
  };
  const std::string own = value("a@home.example");
  CHECK(own.find("c=simple/simple;") != std::string::npos);
  CHECK(own.find("h=from:from:subject:date:date:to;") != std::string::npos);
  CHECK(own.find("t=1700000000; x=1700172800;") != std::string::npos);
  const std::string other = value("a@tenant.example");
  CHECK(other.find("c=relaxed/relaxed;") != std::string::npos);
  CHECK(other.find("h=from:from:subject:subject:reply-to:") != std::string::npos);
  CHECK(other.find("x=1700604800;") != std::string::npos);
}
