#include <authmilter/host_name.h>

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>

#include "config/qualified_name.h"

using namespace authmilter;
using namespace std::chrono_literals;

TEST_CASE("a host with a short name is asked for by the system's resolver") {
  const auto answer = [](const std::string& text) {
    return [text](const std::string&) { return text; };
  };
  const struct {
    std::string why;
    std::string given;
    std::function<std::string(const std::string&)> ask;
    std::string name;
  } rows[] = {
      {"a full name is not asked for", "MX.example.org", answer("other.example"), "mx.example.org"},
      {"a short one is", "mx", [](const std::string& name) { return name + ".Example.ORG"; },
       "mx.example.org"},
      {"the resolver knows no more", "MX", answer(""), "mx"},
      {"the resolver fails", "mx",
       [](const std::string&) -> std::string { throw std::runtime_error("no memory"); }, "mx"},
      {"the resolver ends the process", "mx", [](const std::string&) -> std::string { _exit(1); },
       "mx"},
      {"more than a name can be", "mx", answer(std::string(1000, 'x')), "mx"},
      {"no name at all", "", answer("mx.example.org"), "localhost"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(qualified_name(row.given, row.ask, 10s) == row.name);
  }
}

TEST_CASE("a resolver that does not answer holds nothing up") {
  const auto blocks = [](const std::string&) -> std::string {
    for (;;) pause();
  };
  CHECK(qualified_name("mx", blocks, 100ms) == "mx");
}

TEST_CASE("the host has a name") { CHECK(!host_name().empty()); }
