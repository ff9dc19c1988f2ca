#include "message/tag_list.h"

#include <doctest/doctest.h>

#include <string>

using authmilter::TagList;
using authmilter::TagListError;

namespace {

/// The list in one form: "name=value|name=value", or why there is none.
std::string reading(const std::string& text) {
  const TagList list(text);
  if (!list) return list.error() == TagListError::duplicate_tag ? "duplicate" : "malformed";
  std::string out;
  for (const auto& tag : list.tags()) {
    if (!out.empty()) out += '|';
    out += std::string(tag.name) + "=" + std::string(tag.value);
  }
  return out;
}

}  // namespace

TEST_CASE("a tag list is read strictly (RFC 6376 section 3.2)") {
  const struct {
    std::string why;
    std::string text;
    std::string want;
  } rows[] = {
      {"one tag", "v=1", "v=1"},
      {"several", "v=1; a=rsa-sha256;d=example.org", "v=1|a=rsa-sha256|d=example.org"},
      {"a semicolon at the end", "v=1; a=b;", "v=1|a=b"},
      {"and blanks behind it", "v=1; a=b; ", "v=1|a=b"},
      {"blanks and folds around names and values", " v \t=\r\n\t1 ;\r\n a\r\n = b\r\n ", "v=1|a=b"},
      {"folds stay inside a value", "b=ab\r\n cd", "b=ab\r\n cd"},
      {"an empty value", "n=; p=", "n=|p="},
      {"an equals sign in a value", "p=MII==; i=a@b=", "p=MII==|i=a@b="},
      {"tag names are case-sensitive (edge case 36)", "v=1; V=2", "v=1|V=2"},
      {"digits and underscores in a name", "x_9=1", "x_9=1"},
      {"UTF-8 in a value (RFC 8616 section 3)", "d=b\xc3\xbc.example", "d=b\xc3\xbc.example"},

      {"a duplicate makes the whole list invalid (A79, edge case 35)", "d=a; d=b", "duplicate"},
      {"even an equal one", "v=1; v=1", "duplicate"},
      {"nothing at all", "", "malformed"},
      {"blanks only", " \r\n ", "malformed"},
      {"a semicolon only", ";", "malformed"},
      {"two semicolons", "v=1;;a=b", "malformed"},
      {"two at the end", "v=1;;", "malformed"},
      {"one in front", ";v=1", "malformed"},
      {"no equals sign", "v=1; garbage", "malformed"},
      {"no name", "=1", "malformed"},
      {"a name that begins with a digit", "1v=1", "malformed"},
      {"or an underscore", "_v=1", "malformed"},
      {"a blank inside a name", "v v=1", "malformed"},
      {"a hyphen in a name", "x-y=1", "malformed"},
      {"NUL in a value (A75)", std::string("s=a\0b", 5), "malformed"},
      {"a control character", "s=a\x01", "malformed"},
      {"DEL", "s=a\x7f", "malformed"},
      {"a vertical tab is no blank", "v=\v1", "malformed"},
      {"8 bits that are no UTF-8", "d=b\xfc.example", "malformed"},
      {"overlong UTF-8", "d=\xc0\xaf", "malformed"},
      {"an overlong form of three octets", "d=\xe0\x80\xaf", "malformed"},
      {"a surrogate", "d=\xed\xa0\x80", "malformed"},
      {"a cut sequence", "d=\xc3", "malformed"},
      {"beyond U+10FFFF", "d=\xf4\x90\x80\x80", "malformed"},
      {"bare LF", "v=1;\n a=b", "malformed"},
      {"bare CR", "v=1;\r a=b", "malformed"},
      {"CRLF without a blank after it", "v=1;\r\na=b", "malformed"},
      {"CRLF at the end", "v=1\r\n", "malformed"},
      {"quotes do not protect a semicolon", "n=\"a;b\"", "malformed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(reading(row.text) == row.want);
  }
}

TEST_CASE("a tag list has at most a hundred tags") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "x" + std::to_string(i) + "=;";
  CHECK(TagList(text));
  CHECK(TagList(text).tags().size() == 100);
  CHECK_FALSE(TagList(text + "y=;"));
  CHECK_FALSE(TagList(std::string(100'000, ';')));
}

TEST_CASE("a tag is found by its name") {
  const TagList list("v=1; b = ab");
  CHECK(list.find("b") == "ab");
  CHECK(list.find("v") == "1");
  CHECK_FALSE(list.find("B"));
  CHECK_FALSE(list.find("bh"));
}
