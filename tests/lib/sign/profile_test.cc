#include <doctest/doctest.h>

#include <string>

#include "lib/sign/outgoing.h"

using namespace authmilter;
using namespace test;

namespace {

Input from(const std::string& address) {
  return {.header = "From: " + address + "\r\nSubject: s\r\n", .mail_from = "<" + address + ">"};
}

}  // namespace

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
