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
      "info+list@example.org carol@example.org\r\n"
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
      // postconf(5), smtpd_sender_login_maps: the address without its extension is asked for before
      // @domain.
      {"a sub-address is its owner's", "bob", "info+x@example.org", true},
      {"... and not the domain's owner's", "carol@example.org", "Info+x@example.org", false},
      {"... unless it has a line of its own", "carol@example.org", "info+list@example.org", true},
      {"... which leaves the owner out", "bob", "info+list@example.org", false},
      {"of an address without a line the domain decides", "carol@example.org", "y+x@example.org",
       true},
      {"nothing stands before the delimiter", "carol@example.org", "+info@example.org", true},
      {"another delimiter", "carol@example.org", "info-x@example.org", true},
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

TEST_CASE("Postfix's recipient_delimiter") {
  const std::string text = "info@example.org bob\n@example.org carol\n";
  const struct {
    const char* why;
    const char* delimiters;
    const char* author;
    const char* owner;
  } rows[] = {
      {"none", "", "info+x@example.org", "carol"},
      {"another one", "-", "info-x@example.org", "bob"},
      {"another one", "-", "info+x@example.org", "carol"},
      {"of several the first that is there", "+-", "info-x+y@example.org", "bob"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto map = LoginMap::parse(text, LoginMapForm::by_sender, "logins", row.delimiters);
    REQUIRE(map);
    for (const std::string login : {"bob", "carol"})
      CHECK(permits(**map, login, row.author) == (login == row.owner));
  }
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
       "logins:2:1: \"alice\" may sign for nothing"},
      {"no address", Form::by_login, "alice example.org\nbob ,a@b@c\n",
       "logins:2:6: \"a@b@c\" is neither an address nor a domain"},
      {"the null reverse-path", Form::by_login, "alice <>\n",
       "logins:1:7: \"<>\" is neither an address nor a domain"},
      {"twice", Form::by_login, "alice example.org\nalice example.net\n",
       "logins:2:1: \"alice\" has a line already"},
      {"a line that goes on with none", Form::by_login, "  example.org\n",
       "logins:1:3: goes on with a line that is not there"},
      {"a user without a domain", Form::by_sender, "alice alice\n",
       "logins:1:1: \"alice\" is neither user@domain nor @domain"},
      {"no login", Form::by_sender, "a@example.org\n",
       "logins:1:1: \"a@example.org\" has no login"},
      {"twice in other letters", Form::by_sender, "a@example.org x\nA@example.ORG y\n",
       "logins:2:1: \"A@example.ORG\" has a line already"},
      {"a comment behind an entry", Form::by_sender, "@home.example alice # bob\n",
       "logins:1:21: \"#\" is not a comment: one begins at the start of a line only"},
      {"... without a blank", Form::by_sender, "@home.example alice, #bob\n",
       "logins:1:22: \"#bob\" is not a comment: one begins at the start of a line only"},
      {"... in the other form", Form::by_login,
       "x example.org\nalice home.example\n  a@b.example #c\n",
       "logins:3:15: \"#c\" is not a comment: one begins at the start of a line only"},
      {"two logins", Form::by_login, "alice,bob home.example\n",
       "logins:1:1: \"alice,bob\" has a comma: a line is about one"},
      {"two addresses", Form::by_sender, "a@home.example, b@home.example alice\n",
       "logins:1:1: \"a@home.example,\" has a comma: a line is about one"},
      {"as in aliases", Form::by_login, "alice: home.example\n",
       "logins:1:1: \"alice:\" ends in a colon, which no login does"},
      {"as in aliases", Form::by_sender, "a@home.example: alice\n",
       "logins:1:1: \"a@home.example:\" is neither user@domain nor @domain"},
      {"a domain without @", Form::by_sender, "home.example alice\n",
       "logins:1:1: \"home.example\" is neither user@domain nor @domain"},
      {"a byte order mark", Form::by_login,
       "\xef\xbb\xbf"
       "alice home.example\n",
       "logins:1:1: begins with a byte order mark: save the file without one"},
      {"a control character", Form::by_login, "alice home.example\nbob\x01 home.example\n",
       "logins:2:4: a control character"},
      {"a line end within a line", Form::by_login, "alice home.example\rbob home.example\n",
       "logins:1:19: a control character"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto map = LoginMap::parse(row.text, row.form, "logins");
    CHECK((map ? "" : map.error().message) == row.error);
  }
}
