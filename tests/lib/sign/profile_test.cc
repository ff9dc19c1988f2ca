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

TEST_CASE("which domains sign, and whose signature stands on top") {
  const struct {
    std::string why;
    std::string signing;  // in [signing]
    std::string home;     // in the table of home.example
    Input input;
    std::string selectors;
    std::string reason;
  } rows[] = {
      {"the author's alone", "", "", {}, kBoth, "signed"},
      {"another beside it",
       "also = [\"tenant.example\"]\n",
       "",
       {},
       std::string(kBoth) + " tenant.example/t",
       "signed"},
      {"two of them, as they are listed",
       "also = [\"tenant.example\", \"lab.home.example\"]\n",
       "",
       {},
       std::string(kBoth) + " tenant.example/t lab.home.example/lab",
       "signed"},
      {"one that is the author's", "also = [\"tenant.example\"]\n", "", from("a@tenant.example"),
       "tenant.example/t", "signed"},
      {"one that signs for the author's", "also = [\"home.example\"]\n", "",
       from("a@x.home.example"), kBoth, "signed"},
      {"one above an author's domain that has keys of its own", "also = [\"home.example\"]\n", "",
       from("a@lab.home.example"), std::string("lab.home.example/lab ") + kBoth, "signed"},
      {"for an author without a key: nothing", "also = [\"home.example\"]\n", "",
       from("a@away.example"), "", "no-key"},
      {"for a user who may not sign as the author: nothing",
       "also = [\"tenant.example\"]\n",
       "",
       {.mail_from = "<x@tenant.example>", .auth_user = "x"},
       "",
       "sender-mismatch"},
      {"of one author's domain only",
       "",
       "also = [\"tenant.example\"]\n",
       {},
       std::string(kBoth) + " tenant.example/t",
       "signed"},
      {"... not of another", "", "also = [\"tenant.example\"]\n", from("a@lab.home.example"),
       "lab.home.example/lab", "signed"},
      {"none for this domain", "also = [\"tenant.example\"]\n", "also = []\n", {}, kBoth, "signed"},
      {"what signs beside the author's brings nobody along", "also = [\"home.example\"]\n",
       "also = [\"tenant.example\"]\n", from("a@lab.home.example"),
       std::string("lab.home.example/lab ") + kBoth, "signed"},
      {"Ed25519 on top",
       "order = \"ed25519-on-top\"\n",
       "",
       {},
       "home.example/e home.example/r",
       "signed"},
      {"... of each domain's, the author's first",
       "order = \"ed25519-on-top\"\nalso = [\"home.example\"]\n", "", from("a@tenant.example"),
       "tenant.example/t home.example/e home.example/r", "signed"},
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
  const Config config = signing_config("lifetime = \"7d\"\nalso = [\"tenant.example\"]\n",
                                       "headers = [\"date\"]\noversign = [\"to\"]\n"
                                       "oversign_present = [\"date\"]\nlifetime = \"2d\"\n"
                                       "canonicalization = \"simple/simple\"\n");
  const auto value = [&](const std::string& address) {
    Input input = from(address);
    input.header += "Date: d\r\n";
    // The lowest: of the other domain where there is one.
    return sign(input, config).edits.front().value;
  };
  const std::string beside = value("a@home.example");
  CHECK(beside.find("d=tenant.example;") != std::string::npos);
  CHECK(beside.find("c=simple/simple;") != std::string::npos);
  CHECK(beside.find("h=from:from:subject:date:date:to;") != std::string::npos);
  CHECK(beside.find("t=1700000000; x=1700172800;") != std::string::npos);
  const std::string other = value("a@tenant.example");
  CHECK(other.find("c=relaxed/relaxed;") != std::string::npos);
  CHECK(other.find("h=from:from:subject:subject:reply-to:") != std::string::npos);
  CHECK(other.find("x=1700604800;") != std::string::npos);
}
