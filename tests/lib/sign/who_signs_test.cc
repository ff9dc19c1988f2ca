#include <doctest/doctest.h>

#include <string>

#include "lib/sign/outgoing.h"

using namespace authmilter;
using namespace test;

TEST_CASE("who signs for whom") {
  const struct {
    std::string why;
    Input input;
    const char* signing;
    const char* selectors;  // that signed
    const char* reason;
  } rows[] = {
      {"both algorithms, RSA first as configured (edge case 64)",
       {},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"a subdomain, with subdomains = true",
       {.header = "From: a@news.home.example\r\n", .mail_from = "<a@news.home.example>"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"the longest match wins",
       {.header = "From: a@lab.home.example\r\n"},
       "",
       "lab.home.example/lab",
       "signed"},
      {"below a domain without subdomains the wider entry holds",
       {.header = "From: a@x.lab.home.example\r\n"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"no key", {.header = "From: a@away.example\r\n"}, "", "", "no-key"},
      {"a name that only ends like ours",
       {.header = "From: a@ahome.example\r\n"},
       "",
       "",
       "no-key"},
      {"subdomains are off by default",
       {.header = "From: a@x.tenant.example\r\n"},
       "",
       "",
       "no-key"},
      {"A148: two From fields",
       {.header = "From: a@home.example\r\nFrom: b@home.example\r\n"},
       "",
       "",
       "multiple-from-fields"},
      {"A149: an address list",
       {.header = "From: <a@home.example>, <b@tenant.example>\r\n"},
       "",
       "",
       "multiple-author-domains"},
      // RFC 9989 section 5.3.1: one Author Domain.
      {"A149: authors of one domain",
       {.header = "From: <a@home.example>, <b@home.example>\r\n"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"A153: no From but a Sender",
       {.header = "Sender: a@home.example\r\n"},
       "",
       "",
       "no-author-domain"},
      {"an authenticated user under its own name",
       {.auth_user = "alice"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"... and of the same owner's other name",
       {.mail_from = "<bounce@bounces.home.example>", .auth_user = "alice"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"A150: a user who sends as somebody else",
       {.mail_from = "<x@tenant.example>", .auth_user = "x"},
       "",
       "",
       "sender-mismatch"},
      {"A150: a login of another tenant",
       {.auth_user = "x@tenant.example"},
       "",
       "",
       "sender-mismatch"},
      {"... unless it is allowed",
       {.auth_user = "x@tenant.example"},
       "require_sender_match = false\n",
       "home.example/r home.example/e",
       "signed"},
      {"A158: a notification with the null reverse-path",
       {.mail_from = "<>", .auth_user = "alice@home.example"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"A150: the null reverse-path does not make a login everybody's, with several domains",
       {.mail_from = "<>", .auth_user = "alice"},
       "",
       "",
       "sender-mismatch"},
      {"... but a network's notifications are signed",
       {.mail_from = "<>"},
       "",
       "home.example/r home.example/e",
       "signed"},
      {"a network is trusted with every name",
       {.mail_from = "<x@tenant.example>"},
       "",
       "home.example/r home.example/e",
       "signed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const SigningOutcome outcome = sign(row.input, signing_config(row.signing));
    CHECK(selectors(outcome) == row.selectors);
    CHECK(outcome.reason.text() == row.reason);
    CHECK(outcome.edits.size() == outcome.keys.size());
    CHECK_FALSE(outcome.failed);
  }
}

TEST_CASE("whose a login is (A195)") {
  const struct {
    std::string why;
    std::string login;
    bool signs;  // for an author at home.example, with a reverse-path there
  } rows[] = {
      {"no user: a network", "", true},
      {"a plain name", "mallory", true},
      {"a name with what is no sign", "tenant.example\\mallory%home.example", true},
      {"the author's domain", "a@home.example", true},
      {"another name of the same owner", "a@news.home.example", true},
      {"in capital letters, with a dot at the end", "A@HOME.Example.", true},
      {"another tenant's", "mallory@tenant.example", false},
      {"nobody's", "mallory@away.example", false},
      {"nothing behind the sign", "mallory@", false},
      {"a second sign at the end", "mallory@tenant.example@", false},
      {"... of ours", "mallory@home.example@", false},
      {"two domains", "mallory@tenant.example@home.example", false},
      {"... the other way round", "mallory@home.example@tenant.example", false},
      {"a sign in a quoted local part", "\"x@tenant.example\"@home.example", false},
      {"two signs together", "mallory@@home.example", false},
      {"nothing before the sign", "@home.example", false},
      {"a blank at the end", "mallory@tenant.example ", false},
      {"... of ours", "mallory@home.example ", false},
      {"a tab behind the sign", "mallory@\thome.example", false},
      {"an instance behind the domain", "mallory@tenant.example/phone", false},
      {"... of ours", "mallory@home.example/phone", false},
      {"an address literal", "mallory@[192.0.2.1]", false},
      {"an address", "mallory@192.0.2.1", false},
      {"a port", "mallory@home.example:25", false},
      {"an empty label", "mallory@tenant..example", false},
      {"a dot alone", "mallory@.", false},
      {"a realm", "mallory@REALM", false},
      {"a NUL", std::string("mallory@home.example\0", 21), false},
      {"a name in UTF-8", "j\xc3\xb6rg", true},
      {"... with our domain", "j\xc3\xb6rg@home.example", true},
      {"A212: the fullwidth sign", "mallory\xef\xbc\xa0tenant.example", false},
      {"A212: the small sign", "mallory\xef\xb9\xabtenant.example", false},
      {"A212: behind a real one", "mallory@home.example\xef\xbc\xa0tenant.example", false},
      {"a domain in UTF-8 that is not ours", "mallory@h\xc3\xb6me.example", false},
      {"a letter of another script", "mallory@h\xd0\xbeme.example", false},
      {"octets that are not UTF-8", "mallory@home\xff.example", false},
      {"an invisible character", "mallory@home.example\xe2\x80\x8b", false},
  };
  const Config config = signing_config();
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.login);
    const SigningOutcome outcome = sign({.auth_user = row.login}, config);
    CHECK(outcome.reason.text() == (row.signs ? "signed" : "sender-mismatch"));
  }
  // An IDN login is its A-label (RFC 5890 section 2.3.2.1).
  Config idn = config;
  idn.signing.domains.front().domain = *DomainName::parse(
      "b\xc3\xbc"
      "cher.example");
  CHECK(sign({.header = "From: a@xn--bcher-kva.example\r\n",
              .mail_from = "<a@xn--bcher-kva.example>",
              .auth_user = "a@b\xc3\xbc"
                           "cher.example"},
             idn)
            .reason.text() == "signed");
}

TEST_CASE("with a single domain a plain login's notifications are its owner's (A158)") {
  Config config = signing_config();
  config.signing.domains.erase(config.signing.domains.begin() + 1, config.signing.domains.end());
  const struct {
    std::string why;
    Input input;
    const char* reason;
  } rows[] = {
      {"a read receipt", {.mail_from = "<>", .auth_user = "alice"}, "signed"},
      {"... below the domain",
       {.header = "From: a@news.home.example\r\n", .mail_from = "<>", .auth_user = "alice"},
       "signed"},
      {"... of a domain without a key",
       {.header = "From: a@away.example\r\n", .mail_from = "<>", .auth_user = "alice"},
       "no-key"},
      {"a login that cannot be read",
       {.mail_from = "<>", .auth_user = "alice@"},
       "sender-mismatch"},
      {"a reverse-path that cannot be read",
       {.mail_from = "<(a@home.example>", .auth_user = "alice"},
       "sender-mismatch"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(sign(row.input, config).reason.text() == row.reason);
  }
}
