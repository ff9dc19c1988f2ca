#include <doctest/doctest.h>

#include <string>

#include "lib/sign/outgoing.h"

using namespace authmilter;
using namespace test;

namespace {

Config with_logins(const std::string& text, LoginMapForm form, const std::string& more = "") {
  Config config = signing_config(more);
  const auto map = LoginMap::parse(text, form, "logins");
  REQUIRE_MESSAGE(map, (map ? "" : map.error().message));
  config.signing.logins = *map;
  return config;
}

const char* const kByMap = "sender-mismatch (signing.login_map)";
const char* const kByPermit = "sender-mismatch (signing.permit)";

}  // namespace

TEST_CASE("a login map decides who signs as whom") {
  const struct {
    std::string why;
    Input input;
    const char* reason;
  } rows[] = {
      {"a login for its domain", {.auth_user = "alice"}, "signed"},
      {"... below it, which is not said",
       {.header = "From: a@news.home.example\r\n",
        .mail_from = "<a@news.home.example>",
        .auth_user = "alice"},
       kByMap},
      {"a login that is not in the map, though it names the domain",
       {.auth_user = "mallory@home.example"},
       kByMap},
      {"one tenant's login as another tenant (A195)",
       {.header = "From: a@tenant.example\r\n",
        .mail_from = "<a@tenant.example>",
        .auth_user = "alice"},
       kByMap},
      {"... with a reverse-path of its own",
       {.header = "From: a@tenant.example\r\n", .auth_user = "alice"},
       kByMap},
      {"its author with another tenant's reverse-path",
       {.mail_from = "<a@tenant.example>", .auth_user = "alice"},
       kByMap},
      {"the null reverse-path", {.mail_from = "<>", .auth_user = "alice"}, "signed"},
      {"... does not help another", {.mail_from = "<>", .auth_user = "bob"}, kByMap},
      {"an address", {.header = "From: Bob <b@home.example>\r\n", .auth_user = "bob"}, "signed"},
      {"... is that address alone",
       {.header = "From: ceo@home.example\r\n", .auth_user = "bob"},
       kByMap},
      {"... without a sub-address",
       {.header = "From: b+ceo@home.example\r\n", .auth_user = "bob"},
       kByMap},
      {"... nor a second author",
       {.header = "From: b@home.example, ceo@home.example\r\n", .auth_user = "bob"},
       kByMap},
      {"... quoted it is the same",
       {.header = "From: \"b\"@home.example\r\n", .auth_user = "bob"},
       "signed"},
      {"a login in capitals", {.auth_user = "Alice"}, kByMap},
      {"a fullwidth sign behind it", {.auth_user = "alice\xef\xbc\xa0"}, kByMap},
      {"mail of a network is asked for no login", {}, "signed"},
      {"a domain without keys is not asked about",
       {.header = "From: a@away.example\r\n", .auth_user = "alice"},
       "no-key"},
  };
  const Config config =
      with_logins("alice home.example\nbob b@home.example\n", LoginMapForm::by_login);
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const SigningOutcome outcome = sign(row.input, config);
    CHECK(outcome.reason.text() == row.reason);
    CHECK_FALSE(outcome.refusal);
  }
}

TEST_CASE("an encoded word is nobody's address") {
  const struct {
    const char* why;
    const char* header;
    const char* user;
    const char* reason;
  } rows[] = {
      {"the owner of the domain, as another reader sees an address with an owner",
       "From: =?utf-8?q?ceo?=@home.example\r\n", "alice", kByMap},
      {"... quoted", "From: \"=?utf-8?q?ceo?=\"@home.example\r\n", "alice", kByMap},
      {"... in part", "From: <c=?UTF-8?B?ZW8=?=@home.example>\r\n", "alice", kByMap},
      {"... that ends behind the address", "From: =?utf-8?q?ceo?@home.example (?=)\r\n", "alice",
       kByMap},
      {"nor is it its owner's", "From: =?utf-8?q?ceo?=@home.example\r\n", "ceo", kByMap},
      {"in the name it is one", "From: =?utf-8?q?ceo?= <a@home.example>\r\n", "alice", "signed"},
      {"what only looks so", "From: a=b?@home.example\r\n", "alice", "signed"},
      {"a sub-address of an address with an owner", "From: ceo+x@home.example\r\n", "alice",
       kByMap},
      {"... is its owner's", "From: ceo+x@home.example\r\n", "ceo", "signed"},
      {"where no address has an owner the domain's may write any",
       "From: =?utf-8?q?ceo?=@tenant.example\r\n", "alice", "signed"},
  };
  const Config config =
      with_logins("ceo@home.example ceo\n@home.example alice\n@tenant.example alice\n",
                  LoginMapForm::by_sender);
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Input input = {.header = row.header, .mail_from = "<>", .auth_user = row.user};
    CHECK(sign(input, config).reason.text() == row.reason);
  }
}

TEST_CASE("[[signing.permit]] binds networks and listeners to domains") {
  const Config config = signing_config(
      "[[signing.permit]]\nclients = \"192.0.2.0/25\"\ndomains = \"home.example\"\n"
      "[[signing.permit]]\nclients = \"192.0.2.0/24\"\ndaemon_names = \"tenants\"\n"
      "domains = [\"tenant.example\", \"*.home.example\"]\n");
  const struct {
    std::string why;
    const char* client;
    const char* listener;
    const char* author;
    const char* reason;
  } rows[] = {
      {"its domain", "192.0.2.1", "", "home.example", "signed"},
      {"another domain", "192.0.2.1", "", "tenant.example", kByPermit},
      {"below it", "192.0.2.1", "", "lab.home.example", kByPermit},
      {"a second table adds to the first", "192.0.2.1", "tenants", "tenant.example", "signed"},
      {"... and takes nothing away", "192.0.2.1", "tenants", "home.example", "signed"},
      {"by the second alone", "192.0.2.200", "tenants", "lab.home.example", "signed"},
      {"... not above", "192.0.2.200", "tenants", "home.example", kByPermit},
      {"a listener in other letters is another", "192.0.2.200", "Tenants", "home.example",
       "signed"},
      {"a client of none", "198.51.100.1", "tenants", "home.example", "signed"},
      {"without a client", nullptr, "tenants", "home.example", "signed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Input input{.header = std::string("From: a@") + row.author + "\r\n"};
    input.client = row.client;
    input.daemon_name = row.listener;
    CHECK(sign(input, config).reason.text() == row.reason);
  }
}

TEST_CASE("a sender that may not sign as the author is refused where that is configured") {
  const Config config = signing_config("mismatch = \"refuse\"\n");
  const struct {
    std::string why;
    Input input;
    bool refused;
  } rows[] = {
      {"its own", {.auth_user = "a@home.example"}, false},
      {"another tenant's", {.auth_user = "a@tenant.example"}, true},
      {"of a domain without keys, which is nobody's here",
       {.header = "From: a@away.example\r\n", .auth_user = "a@home.example"},
       false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const SigningOutcome outcome = sign(row.input, config);
    CHECK(outcome.refusal.has_value() == row.refused);
    if (!row.refused) continue;
    CHECK(outcome.reason.text() == "sender-mismatch");
    CHECK(*outcome.refusal == SmtpReply{550, "5.7.1", "You may not send as home.example"});
  }
}
