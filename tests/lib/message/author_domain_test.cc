#include <authmilter/message.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using authmilter::AuthorDomainError;
using authmilter::find_author_domain;
using authmilter::HeaderField;
using authmilter::parse_message;
using namespace std::string_literals;

namespace {

using Fields = std::vector<HeaderField>;

/// The domain, or the error's token in brackets.
std::string author_domain(const Fields& fields) {
  const auto result = find_author_domain(fields);
  if (result) return result->text();
  return "[" + std::string(to_string(result.error())) + "]";
}

std::string author_domain_of(const std::string& from_value) {
  return author_domain({{"From", from_value}});
}

constexpr const char* kNone = "[no-author-domain]";
constexpr const char* kFields = "[multiple-from-fields]";
constexpr const char* kMultiple = "[multiple-author-domains]";
constexpr const char* kInvalid = "[invalid-author-domain]";
constexpr const char* kName = "[malformed-field-name]";
constexpr const char* kBareCr = "[bare-cr-in-header]";
constexpr const char* kFold = "[broken-fold-in-header]";

}  // namespace

TEST_CASE(
    "exactly one From field has the author (RFC 9989 section 5.3.1, A01 to A16, edge cases 83, "
    "84)") {
  const std::string first = " <first@attack.example>";
  const std::string admin = " <admin@legitimate.example>";
  const struct {
    std::string why;
    Fields fields;
    std::string want;
  } rows[] = {
      {"one", {{"Subject", " x"}, {"From", admin}}, "legitimate.example"},
      {"A01: two", {{"From", first}, {"From", admin}}, kFields},
      {"A01: two alike", {{"From", admin}, {"From", admin}}, kFields},
      {"A02: the signed one second",
       {{"From", " <evil@attack.example>"}, {"X", " y"}, {"From", admin}},
       kFields},
      {"A03: blank before the name", {{" From", first}, {"From", admin}}, kFields},
      {"A03: no other", {{" From", admin}}, kName},
      {"A04: blank before the colon", {{"From", first}, {"From ", admin}}, kFields},
      {"A04: RFC 5322 section 4.5 allows it", {{"From \t", admin}}, "legitimate.example"},
      {"A05: fold before the colon", {{"From\r\n ", first}, {"From", admin}}, kFields},
      {"A06: no Sender instead", {{"From\r\n ", first}, {"Sender", admin}}, kName},
      {"A07: no Resent-From instead", {{"From\r\n ", first}, {"Resent-From", admin}}, kName},
      {"A08: nor with a blank before the name", {{" From", first}, {"Resent-From", admin}}, kName},
      {"A09: Sender only", {{"Sender", admin}}, kNone},
      {"A09: Resent-From only", {{"Resent-From", admin}}, kNone},
      {"A09: nothing", {}, kNone},
      {"A12: case", {{"fROM", first}, {"FROM", admin}}, kFields},
      {"A12: one in upper case", {{"FROM", admin}}, "legitimate.example"},
      {"A13: NUL inside", {{"Fr\0om"s, first}, {"From", admin}}, kFields},
      {"A13: NUL behind", {{"From\0"s, first}, {"From", admin}}, kFields},
      {"A13: NUL and more", {{"From\0X"s, first}, {"From", admin}}, kName},
      {"A13: control character", {{"From\x01", admin}}, kName},
      {"A13: DEL", {{"From\x7f", admin}}, kName},
      {"A13: no-break space", {{"From\xc2\xa0", first}, {"From", admin}}, kFields},
      {"A13: no-break space, no other", {{"From\xc2\xa0", admin}}, kName},
      {"A13: fullwidth letter, no other", {{"\xef\xbc\xa6rom", admin}}, kNone},
      {"A13: fullwidth letter and a good one",
       {{"\xef\xbc\xa6rom", first}, {"From", admin}},
       kName},
      {"A13: blank inside", {{"Fr om", first}, {"From", admin}}, kFields},
      {"A13: colon in a name", {{"From:", first}, {"From", admin}}, kName},
      {"A13: any field's name", {{"X\x01", " y"}, {"From", admin}}, kName},
      {"A13: no name", {{"", " y"}, {"From", admin}}, kName},
      {"A13: name of blanks", {{" ", " y"}, {"From", admin}}, kName},
      {"A14: semicolon makes another name",
       {{"From;x", " a@legitimate.example"}, {"From", first}},
       "attack.example"},
      {"A16: LF in a value",
       {{"X", "x\nFrom: <admin@legitimate.example>"}, {"From", first}},
       kFold},
      {"A16: CR in a value",
       {{"X", "x\rFrom: <admin@legitimate.example>"}, {"From", first}},
       kBareCr},
      {"A16: CR LF and no blank",
       {{"X", "x\r\nFrom: <admin@legitimate.example>"}, {"From", first}},
       kFold},
      {"A16: CR before a blank",
       {{"From", " <first@attack.example>\r , <admin@legitimate.example>"}},
       kBareCr},
      {"A16: CR in the From field", {{"From", "\r<first@attack.example>"}}, kBareCr},
      {"A16: LF in the From field", {{"From", "\n<first@attack.example>"}}, kFold},
      {"A16: two CR", {{"From", "\r\r\n <first@attack.example>"}}, kBareCr},
      {"A16: line end last", {{"From", " <first@attack.example>\r\n"}}, kFold},
      {"A16: two line ends", {{"From", "\r\n\r\n <first@attack.example>"}}, kFold},
      {"folds are fine",
       {{"From", " A\r\n B\r\n\t<admin@legitimate.example>\r\n "}, {"X", "\r\n y"}},
       "legitimate.example"},
      {"eight bits in another value",
       {{"Subject", " \xff"}, {"From", admin}},
       "legitimate.example"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(author_domain(row.fields) == row.want);
  }
}

TEST_CASE("a whole message has the author that its MTA would show (A03 to A08, A15)") {
  const struct {
    std::string why;
    std::string text;
    std::string want;
  } rows[] = {
      {"A03", " From: <first@attack.example>\r\nFrom: <admin@legitimate.example>\r\n\r\n", kNone},
      {"A04", "From: <first@attack.example>\r\nFrom : <admin@legitimate.example>\r\n\r\n", kFields},
      {"A05", "From\r\n : <first@attack.example>\r\nFrom: <admin@legitimate.example>\r\n\r\n",
       kNone},
      {"A06", "From\r\n : <first@attack.example>\r\nSender: <admin@legitimate.example>\r\n\r\n",
       kNone},
      {"A08", " From: <any@attack.example>\r\nResent-From: <admin@legitimate.example>\r\n\r\n",
       kNone},
      {"A12", "fROM: <a@attack.example>\r\nFROM: <admin@legitimate.example>\r\n\r\n", kFields},
      {"A15",
       "From admin@legitimate.example Mon Jan  1 00:00:00 2024\r\nFrom: <a@attack.example>\r\n\r\n",
       "attack.example"},
      {"From in the body", "From: <a@attack.example>\r\n\r\nFrom: <admin@legitimate.example>\r\n",
       "attack.example"},
      {"LF only", "From: A\n <a@attack.example>\n\n", "attack.example"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(author_domain(parse_message(row.text).fields) == row.want);
  }
}

TEST_CASE("the forms of a mailbox that mail has (RFC 5322 section 3.4, 4.1, appendix A)") {
  const struct {
    std::string why;
    std::string value;
    std::string want;
  } rows[] = {
      {"addr-spec", " a@legitimate.example", "legitimate.example"},
      {"no blank", "a@legitimate.example", "legitimate.example"},
      {"angle brackets", " <a@legitimate.example>", "legitimate.example"},
      {"phrase", " John Doe <a@legitimate.example>", "legitimate.example"},
      {"phrase and no blank", " John<a@legitimate.example>", "legitimate.example"},
      {"quoted phrase", " \"Doe, John\" <a@legitimate.example>", "legitimate.example"},
      {"phrase with dots", " John Q. Public <a@legitimate.example>", "legitimate.example"},
      {"semicolon in a phrase", " Giant; <a@legitimate.example>", kInvalid},
      {"quoted and words together", " \"Giant; \\\"Big\\\" Box\" Ltd. <a@legitimate.example>",
       "legitimate.example"},
      {"apostrophe", " John O'Neill <a@legitimate.example>", "legitimate.example"},
      {"raw eight bits", " J\xf6rg \xc3\xa9 <a@legitimate.example>", "legitimate.example"},
      {"encoded words", " =?utf-8?q?J=C3=B6rg?= =?utf-8?b?w6k=?= <a@legitimate.example>",
       "legitimate.example"},
      {"comment behind", " a@legitimate.example (John Doe)", "legitimate.example"},
      {"comments everywhere", " Pete(A nice \\) chap) <pete(his account)@silly.example(his host)>",
       "silly.example"},
      {"comment with an address", " a@legitimate.example (b@attack.example)", "legitimate.example"},
      {"comment with a quote", " a@legitimate.example (\")", "legitimate.example"},
      {"blanks in brackets", " < a@legitimate.example > ", "legitimate.example"},
      {"blanks beside the '@'", " a @ legitimate.example", "legitimate.example"},
      {"fold before the bracket", " John\r\n <a@legitimate.example>", "legitimate.example"},
      {"quoted local part", " \"a b\"@legitimate.example", "legitimate.example"},
      {"upper case (edge case 87)", " A@LEGITIMATE.Example", "legitimate.example"},
      {"empty phrase", " \"\" <a@legitimate.example>", "legitimate.example"},
      {"comma in a phrase", " Doe, John <a@legitimate.example>", "legitimate.example"},
      {"brackets in a phrase", " [x] <a@legitimate.example>", kInvalid},
      {"words before an addr-spec", " John a@legitimate.example", kInvalid},
      {"blank in the domain", " a@legitimate. example", kInvalid},
      {"comment in the domain", " a@legitimate(x).example", kInvalid},
      {"blank in the local part", " a. b@legitimate.example", kInvalid},
      {"words as local part", " \"a\".b@legitimate.example", kInvalid},
      {"dots in the local part", " a..b@legitimate.example", kInvalid},
      {"dot first", " .a@legitimate.example", kInvalid},
      {"dot last", " a.@legitimate.example", kInvalid},
      {"no local part", " @legitimate.example", kInvalid},
      {"no domain", " a@", kInvalid},
      {"quoted domain", " a@\"legitimate.example\"", kInvalid},
      {"nothing but a name", " John Doe", kNone},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(author_domain_of(row.value) == row.want);
  }
}

TEST_CASE(
    "ambiguous and broken From fields have no author (A10, A11, A20 to A40, A171, A182, edge cases "
    "83, 85)") {
  const struct {
    std::string why;
    std::string value;
    std::string want;
  } rows[] = {
      {"A10: empty", "", kNone},
      {"A10: blanks", " \t", kNone},
      {"A10: null", " <>", kNone},
      {"A10: comment", " ()", kNone},
      {"A11: empty group", " undisclosed-recipients:;", kNone},
      {"A11: group of two", " g: <a@legitimate.example>, <b@x.example>;", kMultiple},
      {"A11: group of one", " g: <a@legitimate.example>;", kInvalid},
      {"A20", " <first@attack.example>, <admin@legitimate.example>", kMultiple},
      {"A21: the same domain", " <a@legitimate.example>, <b@legitimate.example>",
       "legitimate.example"},
      {"A22", " <admin@legitimate.example>, <any@attack.example>, <any2@attack.example>",
       kMultiple},
      {"A23: encoded words are not decoded",
       " =?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=,<second@attack.example>", kInvalid},
      {"A24", " =?utf-8?B?YWRtaW5AbGVnaXRpbWF0ZS5jb20=?=", kNone},
      {"A25: source route", " <@attack.example,@any.example:admin@legitimate.example>", kMultiple},
      {"A25: in front of nothing", " <@attack.example>", kInvalid},
      {"A26: quoted pair", " <admin@legitimate.example>\\,<second@attack.example>", kMultiple},
      {"A27", " admin@legitimate.example,<second@attack.example>", kMultiple},
      {"A27: the other way", " <second@attack.example>,admin@legitimate.example", kMultiple},
      {"A27: no comma", " admin@legitimate.example <second@attack.example>", kMultiple},
      {"A28", " <any@attack.example>admin@legitimate.example", kMultiple},
      {"A28: a word behind", " <any@attack.example> x", kInvalid},
      {"A28: a comma behind", " <any@attack.example>,", "attack.example"},
      {"A29", " \"admin@legitimate.example\" <any@attack.example>", "attack.example"},
      {"A29: quote in it", " \"admin@legitimate.example\\\" <x\" <any@attack.example>",
       "attack.example"},
      {"A30: open comment", " foo (bar", kInvalid},
      {"A30: backslash last", " foo\\", kNone},
      {"A30: backslash last, with an address", " <a@legitimate.example>\\", kInvalid},
      {"A30: backslash last in a quote", " \"foo\\", kInvalid},
      {"A30: backslash last in a comment", " a@legitimate.example (foo\\", kInvalid},
      {"A30: second one in an open comment", " a@legitimate.example, (d@attack.example", kInvalid},
      {"A30: comment too many ends", " a@legitimate.example )", kInvalid},
      {"A30: open quote", " \"foo <a@legitimate.example>", kInvalid},
      {"A30: quote behind", " <a@legitimate.example> \"", kInvalid},
      {"A30: comments to a depth of 19",
       " a@legitimate.example " + std::string(19, '(') + std::string(19, ')'),
       "legitimate.example"},
      {"A30: comments to a depth of 20",
       " a@legitimate.example " + std::string(20, '(') + std::string(20, ')'),
       "legitimate.example"},
      {"A30: 21", " a@legitimate.example " + std::string(21, '(') + std::string(21, ')'), kInvalid},
      {"A30: 1000", " a@legitimate.example " + std::string(1000, '('), kInvalid},
      {"A31: three parts", " a@b@legitimate.example", kMultiple},
      {"A31: quoted", " \"a@legitimate.example\"@attack.example", "attack.example"},
      {"A31: address and domain", " a@attack.example@legitimate.example", kMultiple},
      {"A32: domain literal", " a@[192.0.2.1]", kInvalid},
      {"A32: of IPv6", " a@[IPv6:2001:db8::1]", kInvalid},
      {"A33: one trailing dot", " a@legitimate.example.", "legitimate.example"},
      {"A33: two", " a@legitimate.example..", kInvalid},
      {"A33: empty label", " a@legitimate..example", kInvalid},
      {"A33: leading dot", " a@.example", kInvalid},
      {"A33: top-level domain", " a@example", "example"},
      {"A33: single label (edge case 86)", " a@localhost", "localhost"},
      {"A33: single label with a dot", " a@localhost.", "localhost"},
      {"A33: hyphen first", " a@-x.example", kInvalid},
      {"A33: IP address", " a@192.0.2.1", kInvalid},
      {"A34: en quad", " <admin@legitimate.example\xe2\x80\x80>", kInvalid},
      {"A34: no-break space", " <admin@legitimate.example\xc2\xa0>", kInvalid},
      {"A34: zero-width space", " <admin@legitimate.example\xe2\x80\x8b>", kInvalid},
      {"A34: soft hyphen", " <admin@legiti\xc2\xadmate.example>", kInvalid},
      {"A34: blank before the bracket", " <admin@legitimate.example >", "legitimate.example"},
      {"A34: tab before the bracket", " <admin@legitimate.example\t>", "legitimate.example"},
      {"A35: ideographic full stop",
       " a@legitimate\xe3\x80\x82"
       "example",
       "legitimate.example"},
      {"A35: U-label",
       " a@b\xc3\xbc"
       "cher.example",
       "xn--bcher-kva.example"},
      {"A35: A-label in upper case", " a@XN--BCHER-KVA.example", "xn--bcher-kva.example"},
      {"A35: A-label that is none", " a@xn--0.example", kInvalid},
      {"A35: Cyrillic letter", " a@\xd0\xb0pple.example", "xn--pple-43d.example"},
      {"A36: parenthesis", " admin@legitimate.example(.attack.example", kInvalid},
      {"A36: apostrophe", " admin@legitimate.example'.attack.example", kInvalid},
      {"A36: semicolon", " admin@legitimate.example;.attack.example", kInvalid},
      {"A36: quote", " admin@legitimate.example\".attack.example", kInvalid},
      {"A37", " =?utf-8?q?admin=40legitimate.example=3e=20?=@attack.example", "attack.example"},
      {"A37: unknown charset", " =?x?q?=41?=@attack.example", "attack.example"},
      {"A38: right-to-left override in the phrase",
       " \xe2\x80\xae"
       "elpmaxe <a@attack.example>",
       "attack.example"},
      {"A38: in the local part", " \xe2\x80\xae@attack.example", "attack.example"},
      {"A40: nested", " <<a@attack.example>@legitimate.example>", kMultiple},
      {"A40: nested, one address", " <<a@attack.example>>", kInvalid},
      {"A40: not closed", " <a@legitimate.example", kInvalid},
      {"A40: not opened", " a@legitimate.example>", kInvalid},
      {"A40: two", " <a@attack.example> <admin@legitimate.example>", kMultiple},
      {"A171: NUL", " <a@attack.example>\0, <admin@legitimate.example>"s, kInvalid},
      {"A171: NUL in the domain", " <a@legitimate.example\0.attack.example>"s, kInvalid},
      {"control character in the phrase", " x\x01 <a@legitimate.example>", kInvalid},
      {"in a quoted phrase", " \"x\x01\" <a@legitimate.example>", kInvalid},
      {"behind a backslash", " \"x\\\x01\" <a@legitimate.example>", kInvalid},
      {"in a comment", " <a@legitimate.example> (\x01)", kInvalid},
      {"DEL", " x\x7f <a@legitimate.example>", kInvalid},
      {"A182: encoded NUL", " =?utf-8?b?cG90dXNAbGVnaXRpbWF0ZS5jb20AAAA=?= <x@attack.example>",
       "attack.example"},
      {"A182: encoded line end", " =?utf-8?q?potus@legitimate.example=0A?= <x@attack.example>",
       kMultiple},
      {"A182: the same with the '@' encoded",
       " =?utf-8?q?potus=40legitimate.example=0A=00?= <x@attack.example>", "attack.example"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(author_domain_of(row.value) == row.want);
  }
}

TEST_CASE("the limits of a From field (A19, A39, A113)") {
  const std::string label(63, 'l');
  const std::string name = label + "." + label + "." + label + ".";  // 192 octets
  const auto padded = [](std::size_t size) {
    std::string value = " <a@legitimate.example>";
    return std::string(size - value.size(), 'p') + value;
  };
  const struct {
    std::string why;
    std::string value;
    std::string want;
  } rows[] = {
      {"4095 octets", padded(4095), "legitimate.example"},
      {"4096 octets", padded(4096), "legitimate.example"},
      {"4097 octets", padded(4097), kInvalid},
      {"8192 octets", padded(8192), kInvalid},
      {"65000 octets", padded(65000), kInvalid},
      {"line ends do not count", "\r\n\t\r\n " + padded(4094), "legitimate.example"},
      {"local part of 65 octets", std::string(65, 'a') + "@legitimate.example",
       "legitimate.example"},
      {"of 70000", std::string(70000, 'a') + "@legitimate.example", kInvalid},
      {"label of 63 octets", "a@" + label + ".example", label + ".example"},
      {"of 64", "a@l" + label + ".example", kInvalid},
      {"A113: _dmarc. fits just", "a@" + name + std::string(54, 'x'), name + std::string(54, 'x')},
      {"A113: does not", "a@" + name + std::string(55, 'x'), kInvalid},
      {"253 octets", "a@" + name + std::string(61, 'x'), kInvalid},
      {"254 octets", "a@" + name + std::string(62, 'x'), kInvalid},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(author_domain_of(row.value) == row.want);
  }
}

TEST_CASE("the limit of a From field can be set") {
  const Fields fields = {{"From", " <a@legitimate.example>"}};
  const std::size_t size = fields.front().value.size();
  CHECK(find_author_domain(fields, size));
  CHECK_FALSE(find_author_domain(fields, size - 1));
}

TEST_CASE("several mailboxes of one domain have one Author Domain (RFC 9989 section 5.3.1, A21)") {
  const struct {
    std::string why;
    std::string value;
    std::string want;
  } rows[] = {
      {"two", " a@legitimate.example, b@legitimate.example", "legitimate.example"},
      {"named", " A <a@legitimate.example>, \"B, C\" <b@legitimate.example>", "legitimate.example"},
      {"encoded names",
       " =?utf-8?q?=C3=A9?= <a@legitimate.example>, =?utf-8?b?w6k=?= <b@legitimate.example>",
       "legitimate.example"},
      {"another case, another form", " a@LEGITIMATE.example, b@legitimate.example.",
       "legitimate.example"},
      {"U-label and A-label",
       " a@b\xc3\xbc"
       "cher.example, b@xn--bcher-kva.example",
       "xn--bcher-kva.example"},
      {"folded", " a@legitimate.example,\r\n b@legitimate.example", "legitimate.example"},
      {"ten",
       " a@x.example, b@x.example, c@x.example, d@x.example, e@x.example, f@x.example, "
       "g@x.example, h@x.example, i@x.example, j@x.example",
       "x.example"},
      {"a comment", " a@legitimate.example (x), b@legitimate.example", kMultiple},
      {"and a comma at the end", " a@legitimate.example, b@legitimate.example,",
       "legitimate.example"},
      {"A20: another domain", " a@legitimate.example, b@attack.example", kMultiple},
      {"a domain below", " a@legitimate.example, b@mail.legitimate.example", kMultiple},
      {"the third is another", " a@x.example, b@x.example, c@attack.example", kMultiple},
      {"one that is no name", " a@legitimate.example, b@[192.0.2.1]", kMultiple},
      {"one that is no name", " a@legitimate.example, b@legitimate..example", kMultiple},
      {"a word between", " a@legitimate.example, x, b@legitimate.example", kMultiple},
      {"an empty one between", " a@legitimate.example,, b@legitimate.example", kMultiple},
      {"two commas at the end", " a@legitimate.example, b@legitimate.example,,", kMultiple},
      {"a comma first", " , a@legitimate.example, b@legitimate.example", kMultiple},
      {"semicolon", " a@legitimate.example; b@legitimate.example", kMultiple},
      {"no comma", " <a@legitimate.example> <b@legitimate.example>", kMultiple},
      {"A11: in a group", " g: a@legitimate.example, b@legitimate.example;", kMultiple},
      {"A29: an address in quotes",
       " \"admin@attack.example\" <a@legitimate.example>, b@legitimate.example", kMultiple},
      {"an address in a comment", " a@legitimate.example (b@attack.example), b@legitimate.example",
       kMultiple},
      {"A23: an encoded one", " =?utf-8?B?PGFAYXR0YWNrLmV4YW1wbGU+?=, a@x.example, b@x.example",
       kMultiple},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(author_domain_of(row.value) == row.want);
  }
}

TEST_CASE("a sloppy name before exactly one address in brackets does no harm (A220, A221)") {
  const struct {
    std::string why;
    std::string value;
    std::string want;
  } rows[] = {
      {"comma", " Doe, John <a@legitimate.example>", "legitimate.example"},
      {"comma without a blank", " Doe,John <a@legitimate.example>", "legitimate.example"},
      {"commas and dots", " Doe, Dr. J., M.D. <a@legitimate.example>", "legitimate.example"},
      {"comma before the bracket", " Doe, <a@legitimate.example>", "legitimate.example"},
      {"UTF-8", " Dvo\xc5\x99\xc3\xa1k, Jan <a@legitimate.example>", "legitimate.example"},
      {"and a comma at the end", " Doe, John <a@legitimate.example>,", "legitimate.example"},
      {"comma at the end", " John <a@legitimate.example>,", "legitimate.example"},
      {"comma behind an addr-spec", " a@legitimate.example ,", "legitimate.example"},
      {"the address as the name", " a@legitimate.example <a@legitimate.example>",
       "legitimate.example"},
      {"in another case", " A@Legitimate.Example <a@legitimate.example>", "legitimate.example"},
      {"in apostrophes", " 'a@legitimate.example' <a@legitimate.example>", "legitimate.example"},
      {"two commas at the end", " John <a@legitimate.example>,,", kInvalid},
      {"comma first", " , John <a@legitimate.example>", kInvalid},
      {"comma between address parts", " a@legitimate.example, John", kInvalid},
      {"address first", " <a@legitimate.example>, John", kInvalid},
      {"semicolon", " Doe; John <a@legitimate.example>", kInvalid},
      {"colon", " Doe, John: <a@legitimate.example>", kInvalid},
      {"A23: encoded word as a piece",
       " =?utf-8?q?=3Ca=40legitimate.example=3E?=, x <b@attack.example>", kInvalid},
      {"encoded words that are words", " Doe, =?utf-8?q?J=C3=B6rg?= <a@legitimate.example>",
       "legitimate.example"},
      {"and a comma at the end", " =?utf-8?b?SsO2cmc=?= <a@legitimate.example>,",
       "legitimate.example"},
      {"A23: a line end in them", " Doe, =?utf-8?q?J=0A?= <a@legitimate.example>", kInvalid},
      {"A23: another charset", " Doe, =?utf-7?q?+AEA-?= <a@legitimate.example>", kInvalid},
      {"A23: a bracket in them", " Doe, =?utf-8?q?J=3C?= <a@legitimate.example>", kInvalid},
      {"A23: an address, and a comma at the end",
       " =?utf-8?q?a=40attack.example?= <a@legitimate.example>,", kInvalid},
      {"quotes", " Doe, \"John\" <a@legitimate.example>", kInvalid},
      {"quotes and a comma at the end", " \"Doe, John\" <a@legitimate.example>,",
       "legitimate.example"},
      {"UUCP route and a comma at the end", " attack.example!a <a@legitimate.example>,", kInvalid},
      {"A29: address in quotes", " \"a@legitimate.example\", x <b@attack.example>", kInvalid},
      {"comment", " Doe, John <a@legitimate.example> (x)", kInvalid},
      {"comment with a bracket", " Doe, John (<) <a@legitimate.example>", kInvalid},
      {"another address as the name", " b@attack.example, John <a@legitimate.example>", kMultiple},
      {"UUCP route", " legitimate.example!a, John <b@attack.example>", kInvalid},
      {"percent route", " a%legitimate.example, John <b@attack.example>", kInvalid},
      {"wide '@'", " a\xef\xbc\xa0legitimate.example, x <b@attack.example>", kInvalid},
      {"small '@'", " a\xef\xb9\xablegitimate.example, x <b@attack.example>", kInvalid},
      {"not UTF-8", " D\xf6, x <b@attack.example>", kInvalid},
      {"two brackets", " Doe, <a@legitimate.example> <a@legitimate.example>", kMultiple},
      {"nested", " Doe, <<a@legitimate.example>>", kInvalid},
      {"not closed", " Doe, <a@legitimate.example", kInvalid},
      {"route", " Doe, John <@attack.example:a@legitimate.example>", kMultiple},
      {"backslash", " Doe\\, John <a@legitimate.example>", kInvalid},
      {"the address as the name, of another mailbox",
       " b@legitimate.example <a@legitimate.example>", kMultiple},
      {"of another domain", " a@attack.example <a@legitimate.example>", kMultiple},
      {"in one apostrophe", " 'a@legitimate.example <a@legitimate.example>", kMultiple},
      {"and a word", " John a@legitimate.example <a@legitimate.example>", kMultiple},
      {"A27: without brackets", " John, a@legitimate.example", kInvalid},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(author_domain_of(row.value) == row.want);
  }
}
