#include "message/list_id.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace authmilter;

TEST_CASE("the List-Id is what stands in the angle brackets (RFC 2919 section 3)") {
  const struct {
    std::string why;
    std::vector<std::string> values;
    std::string id;  // empty: none
  } rows[] = {
      {"alone", {" <dev.lists.example.net>"}, "dev.lists.example.net"},
      {"with a phrase, in any case",
       {" Developers <Dev.Lists.Example.Net>"},
       "dev.lists.example.net"},
      {"folded", {" \"a <b>\"\r\n\t<dev.lists.example.net> "}, "dev.lists.example.net"},
      {"no field", {}, ""},
      {"two fields", {" <dev.lists.example.net>", " <dev.lists.example.net>"}, ""},
      {"no brackets", {" dev.lists.example.net"}, ""},
      {"something behind them", {" <dev.lists.example.net> x"}, ""},
      {"a comment behind them", {" <dev.lists.example.net> (x)"}, ""},
      {"not closed", {" <dev.lists.example.net"}, ""},
      {"nothing in them", {" <>"}, ""},
      {"no domain name", {" <dev lists.example.net>"}, ""},
      {"a dot at the end", {" <dev.lists.example.net.>"}, ""},
      {"a very long one", {std::string(2000, 'x') + " <dev.lists.example.net>"}, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    std::vector<HeaderField> fields = {{"From", " a@example.org"}};
    for (const std::string& value : row.values) fields.push_back({"LIST-ID", value});
    const auto id = find_list_id(fields);
    CHECK((id ? id->text() : "") == row.id);
  }
}
