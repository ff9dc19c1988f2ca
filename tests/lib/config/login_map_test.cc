#include <authmilter/login_map.h>

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;

namespace {

std::shared_ptr<const LoginMap> map_of(const std::string& text, LoginMapForm form) {
  const auto map = LoginMap::parse(text, form, "logins");
  REQUIRE_MESSAGE(map, (map ? "" : map.error().message));
  return *map;
}

bool permits(const LoginMap& map, const std::string& login, const std::string& author) {
  const ReversePath mailbox = parse_reverse_path(author);
  return map.permits(login, *mailbox.domain, mailbox);
}

}  // namespace

TEST_CASE("a login and what it may sign for") {
  const auto map = map_of(
      "# who may what\n"
      "\n"
      "alice   example.org, bob@example.net\n"
      "robot   *.example.com\n"
      "        @example.com\n"
      "c@example.org c@example.org\n",
      LoginMapForm::by_login);
  const struct {
    const char* why;
    const char* login;
    const char* author;
    bool may;
  } rows[] = {
      {"its domain", "alice", "x@example.org", true},
      {"its address elsewhere", "alice", "bob@example.net", true},
      {"in capitals, as mail addresses are", "alice", "BOB@EXAMPLE.net", true},
      {"another address there", "alice", "ceo@example.net", false},
      {"a sub-address is another address", "alice", "bob+x@example.net", false},
      {"... also behind a hyphen", "alice", "bob-x@example.net", false},
      {"below its domain", "alice", "x@sub.example.org", false},
      {"another login", "bob", "x@example.org", false},
      {"a login in capitals may be another one", "Alice", "x@example.org", false},
      {"a login that only begins so", "alice2", "x@example.org", false},
      {"below a domain", "robot", "x@a.b.example.com", true},
      {"a line that goes on", "robot", "x@example.com", true},
      {"a login that is an address", "c@example.org", "c@example.org", true},
      {"... is not what it can be read as", "c@example.org", "d@example.org", false},
      {"a fullwidth sign is another login",
       "c\xef\xbc\xa0"
       "example.org",
       "c@example.org", false},
      {"no login", "", "x@example.org", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(permits(*map, row.login, row.author) == row.may);
  }
  // Of several authors only what is said of their domain counts.
  CHECK(map->permits("alice", *DomainName::parse("example.org"), std::nullopt));
  CHECK_FALSE(map->permits("alice", *DomainName::parse("example.net"), std::nullopt));
}

TEST_CASE("Postfix's smtpd_sender_login_maps") {
  const auto map = map_of(
      "Info@Example.org   alice, bob\n"
      "@example.org       alice carol@example.org\n",
      LoginMapForm::by_sender);
  const struct {
    const char* why;
    const char* login;
    const char* author;
    bool may;
  } rows[] = {
      {"an owner", "bob", "info@example.org", true},
      {"the other owner", "alice", "INFO@example.org", true},
      {"the domain's owner does not own what has owners", "carol@example.org", "info@example.org",
       false},
      {"the domain's owner", "carol@example.org", "x@example.org", true},
      {"an address' owner does not own the domain", "bob", "x@example.org", false},
      {"a sub-address is the domain's", "bob", "info+x@example.org", false},
      {"nobody's", "alice", "x@example.com", false},
      {"an owner in capitals", "Bob", "info@example.org", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(permits(*map, row.login, row.author) == row.may);
  }
  // Among several authors there may be one with other owners.
  CHECK_FALSE(map->permits("alice", *DomainName::parse("example.org"), std::nullopt));
}

TEST_CASE("a wrong line is named") {
  using Form = LoginMapForm;
  const struct {
    const char* why;
    Form form;
    const char* text;
    const char* error;
  } rows[] = {
      {"nothing to sign for", Form::by_login, "# x\nalice\n",
       "logins:2: \"alice\" may sign for nothing"},
      {"no address", Form::by_login, "alice example.org\nbob ,a@b@c\n",
       "logins:2: \"a@b@c\" is neither an address nor a domain"},
      {"the null reverse-path", Form::by_login, "alice <>\n",
       "logins:1: \"<>\" is neither an address nor a domain"},
      {"twice", Form::by_login, "alice example.org\nalice example.net\n",
       "logins:2: \"alice\" has a line already"},
      {"a line that goes on with none", Form::by_login, "  example.org\n",
       "logins:1: goes on with a line that is not there"},
      {"a user without a domain", Form::by_sender, "alice alice\n",
       "logins:1: \"alice\" is neither user@domain nor @domain"},
      {"no login", Form::by_sender, "a@example.org\n", "logins:1: \"a@example.org\" has no login"},
      {"twice in other letters", Form::by_sender, "a@example.org x\nA@example.ORG y\n",
       "logins:2: \"A@example.ORG\" has a line already"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto map = LoginMap::parse(row.text, row.form, "logins");
    CHECK((map ? "" : map.error().message) == row.error);
  }
}
