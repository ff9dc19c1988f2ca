#include "message/sendmail_form.h"

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;

TEST_CASE("lists of addresses are signed in the form that Sendmail gives them") {
  // What Sendmail 8.17 was seen to deliver, but for line breaks.
  const struct {
    std::string why;
    const char* name;
    const char* value;
    const char* sendmail;
  } rows[] = {
      {"one address is no list", "To", " a@x.example", " a@x.example"},
      {"nothing to change", "To", " a@x.example, b@x.example", " a@x.example, b@x.example"},
      {"a fold stays", "To", " a@x.example,\n\tb@x.example", " a@x.example,\n\tb@x.example"},
      {"no blank", "To", " a@x.example,b@x.example", " a@x.example, b@x.example"},
      {"no blank at all", "To", "a@x.example,b@x.example", "a@x.example, b@x.example"},
      {"names without regard to case", "REPLY-to", "a@x.example,b@x.example",
       "a@x.example, b@x.example"},
      {"a blank before the comma", "Cc", " a@x.example , b@x.example", " a@x.example, b@x.example"},
      {"a fold before the comma", "Cc", " a@x.example\n ,b@x.example", " a@x.example, b@x.example"},
      {"display names", "To", " A <a@x.example>,B <b@x.example>",
       " A <a@x.example>, B <b@x.example>"},
      {"a comma between quotes", "To", " \"A,B\" <a@x.example>,b@x.example",
       " \"A,B\" <a@x.example>, b@x.example"},
      {"a quote between quotes", "To", " \"x\\\"y,z\" <a@x.example>,b@x.example",
       " \"x\\\"y,z\" <a@x.example>, b@x.example"},
      {"a comma in a comment", "To", " a (x,y) <a@x.example>,b@x.example",
       " a (x,y) <a@x.example>, b@x.example"},
      {"a bracket in a comment", "To", " (x\\),y) a@x.example,b@x.example",
       " (x\\),y) a@x.example, b@x.example"},
      {"a comment in a comment", "To", " (x(1,2),y) a@x.example,b@x.example",
       " (x(1,2),y) a@x.example, b@x.example"},
      {"a group", "To", " friends:a@x.example,b@x.example;", " friends:a@x.example, b@x.example;"},
      {"an empty address", "To", " a@x.example,,b@x.example", " a@x.example, b@x.example"},
      {"an empty one at the end", "To", " a@x.example,", " a@x.example"},
      {"an empty one at the start", "To", ",a@x.example", "a@x.example"},
      {"nothing but commas", "To", " , ,", ""},
      {"an open quote is left alone", "To", " \"a,b", " \"a,b"},
      {"an open comment is left alone", "To", " (a,b", " (a,b"},
      {"an open bracket is left alone", "To", " <a,b", " <a,b"},
      {"a backslash at the end is left alone", "To", " a,b\\", " a,b\\"},
      {"no address field", "Subject", " a,b", " a,b"},
      {"not one of Sendmail's", "Mail-Followup-To", " a@x.example,b@x.example",
       " a@x.example,b@x.example"},
      {"empty", "To", "", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(as_sendmail_writes(row.name, row.value) == row.sendmail);
  }
}

TEST_CASE("addresses that Sendmail puts a domain behind") {
  const struct {
    std::string why;
    const char* name;
    const char* value;
    bool unqualified;
  } rows[] = {
      {"none", "To", "", false},
      {"a whole one", "To", " a@x.example", false},
      {"a name alone", "To", " alice", true},
      {"among others", "cc", " a@x.example,\n\tbob , c@x.example", true},
      {"in angle brackets", "To", " Bob <bob>", true},
      {"a whole one in angle brackets", "To", " bob <a@x.example>", false},
      {"a sign in the display name", "To", " \"bob@x.example\" <bob>", true},
      {"a sign in a comment", "To", " bob (bob@x.example)", true},
      {"an angle bracket in a comment", "To", " a@x.example (<b>)", false},
      {"an angle bracket between quotes", "To", " \"<b>\" <a@x.example>", false},
      {"an escaped quote between quotes", "To", " \"x\\\"<b>\" <a@x.example>", false},
      {"empty elements", "To", " a@x.example,,", false},
      {"an empty group", "To", " undisclosed-recipients:;", false},
      {"a group of whole ones", "To", " friends: a@x.example, b@x.example;", false},
      {"a group with a name alone", "To", " friends: a@x.example, bob;", true},
      {"a group with a name alone first", "To", " friends: bob, a@x.example;", true},
      {"a null address", "To", " <>", false},
      {"an address literal", "To", " a@[IPv6:2001:db8::1]", false},
      {"a route", "To", " <@x.example:a@y.example>", false},
      {"an open quote", "To", " \"bob", false},
      {"other addresses", "Reply-To", " bob", true},
      {"the author's, which nobody signs so", "From", " bob", false},
      {"no address field", "Subject", " bob", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(has_unqualified_address(row.name, row.value) == row.unqualified);
  }
}
