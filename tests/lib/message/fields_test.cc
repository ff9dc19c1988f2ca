#include <authmilter/message.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using authmilter::has_name;
using authmilter::HeaderField;
using authmilter::make_header_field;
using authmilter::parse_message;

TEST_CASE("a field's line ends become CRLF") {
  const struct {
    std::string why;
    std::string value;
    std::string want;
  } rows[] = {
      {"no fold", " x", " x"},
      {"folded with LF, as an MTA passes it", " x\n\ty", " x\r\n\ty"},
      {"folded with CRLF", " x\r\n\ty", " x\r\n\ty"},
      {"both", " x\n y\r\n z", " x\r\n y\r\n z"},
      {"two line ends stay two", "x\n\ny", "x\r\n\r\ny"},
      {"a CR that ends no line stays", "x\ry", "x\ry"},
      {"a CR too many stays", "x\r\r\n y", "x\r\r\n y"},
      {"empty", "", ""},
      {"eight bits", " \xe2\x80\xae\xff", " \xe2\x80\xae\xff"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(make_header_field("Subject", row.value) == HeaderField{"Subject", row.want});
  }
}

TEST_CASE("a field is known by its name in any case (A03, A04, A05, A12, A121, A175)") {
  const struct {
    std::string why;
    std::string name;
    bool is_from;
  } rows[] = {
      {"as usual", "From", true},
      {"upper case", "FROM", true},
      {"mixed", "fROm", true},
      {"blank before the colon", "From ", true},
      {"tab before the colon", "From\t", true},
      {"blank in front", " From", true},
      {"fold before the colon", "From\r\n ", true},
      {"blank inside", "Fr om", false},
      {"longer", "Froms", false},
      {"shorter", "Fro", false},
      {"semicolon belongs to the name", "From;x", false},
      {"empty", "", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(has_name(HeaderField{row.name, " x"}, "from") == row.is_from);
  }
}

TEST_CASE("a message is split as an MTA splits it (RFC 5322 section 2.1, A03 to A07, A13, A15)") {
  using Fields = std::vector<HeaderField>;
  const struct {
    std::string why;
    std::string text;
    Fields fields;
    std::string body;
  } rows[] = {
      {"CRLF", "A: 1\r\nB: 2\r\n\r\nbody\r\n", {{"A", " 1"}, {"B", " 2"}}, "body\r\n"},
      {"LF", "A: 1\nB: 2\n\nbody\n", {{"A", " 1"}, {"B", " 2"}}, "body\n"},
      {"both", "A: 1\nB: 2\r\n\nbody\r\n\n", {{"A", " 1"}, {"B", " 2"}}, "body\r\n\n"},
      {"folds get CRLF", "A: 1\n 2\r\n\t3\n\n", {{"A", " 1\r\n 2\r\n\t3"}}, ""},
      {"continuation of nothing but blanks",
       "A: 1\r\n \r\nB: 2\r\n\r\n",
       {{"A", " 1\r\n "}, {"B", " 2"}},
       ""},
      {"value kept", "A:1  \r\n\r\n", {{"A", "1  "}}, ""},
      {"empty value", "A:\r\n\r\n", {{"A", ""}}, ""},
      {"no body", "A: 1\r\n", {{"A", " 1"}}, ""},
      {"no last line end", "A: 1", {{"A", " 1"}}, ""},
      {"no header", "\r\nA: 1\r\n", {}, "A: 1\r\n"},
      {"nothing", "", {}, ""},
      {"blank before the colon stays in the name", "A \t: 1\r\n\r\n", {{"A \t", " 1"}}, ""},
      {"name with a semicolon", "A;b: 1\r\n\r\n", {{"A;b", " 1"}}, ""},
      {"colons in the value", "A: b: c\r\n\r\n", {{"A", " b: c"}}, ""},
      {"CR inside a line ends nothing", "A: 1\rB: 2\r\n\r\n", {{"A", " 1\rB: 2"}}, ""},
      {"a blank in front of the first line ends the header",
       " From: <a@b.example>\r\nB: 2\r\n\r\n",
       {},
       " From: <a@b.example>\r\nB: 2\r\n\r\n"},
      {"a line without a colon (edge case 60)",
       "A: 1\r\nFrom\r\n : <a@b.example>\r\n",
       {{"A", " 1"}},
       "From\r\n : <a@b.example>\r\n"},
      {"a line without a name", "A: 1\r\n: 2\r\n", {{"A", " 1"}}, ": 2\r\n"},
      {"a blank inside a name", "A: 1\r\nFr om: 2\r\n", {{"A", " 1"}}, "Fr om: 2\r\n"},
      {"control character in a name", "A: 1\r\nFr\x01om: 2\r\n", {{"A", " 1"}}, "Fr\x01om: 2\r\n"},
      {"NUL in a name",
       std::string("A: 1\r\nFrom\0: 2\r\n", 16),
       {{"A", " 1"}},
       std::string("From\0: 2\r\n", 10)},
      {"eight bits in a name", "A: 1\r\nFrom\xc2\xa0: 2\r\n", {{"A", " 1"}}, "From\xc2\xa0: 2\r\n"},
      {"a line of CR only", "A: 1\r\n\r\r\nx", {{"A", " 1"}}, "\r\r\nx"},
      {"mailbox file's first line",
       "From a@b.example Mon Jan  1 00:00:00 2024\nA: 1\n\n",
       {{"X-Mailbox-Line", " From a@b.example Mon Jan  1 00:00:00 2024"}, {"A", " 1"}},
       ""},
      {"it cannot be continued",
       "From a@b.example Mon Jan  1 00:00:00 2024\n A: 1\n\n",
       {{"X-Mailbox-Line", " From a@b.example Mon Jan  1 00:00:00 2024"}},
       " A: 1\n\n"},
      {"nor stand further down",
       "A: 1\nFrom a@b.example Mon Jan  1 00:00:00 2024\n\n",
       {{"A", " 1"}},
       "From a@b.example Mon Jan  1 00:00:00 2024\n\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto message = parse_message(row.text);
    CHECK(message.fields == row.fields);
    CHECK(message.body == row.body);
  }
}
