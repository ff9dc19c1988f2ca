#include <authmilter/domain_name.h>

#include <doctest/doctest.h>

#include <string>

using authmilter::DomainName;

TEST_CASE("a domain name has one form (RFC 1035 section 2.3.4, RFC 8616 section 3)") {
  const struct {
    std::string why;
    std::string text;
    std::string name;  // empty: refused
  } rows[] = {
      {"lower case", "Example.ORG", "example.org"},
      {"one trailing dot", "example.org.", "example.org"},
      {"two trailing dots", "example.org..", ""},
      {"single label", "localhost", "localhost"},
      {"underscores name services", "_dmarc.example.org", "_dmarc.example.org"},
      {"empty", "", ""},
      {"root", ".", ""},
      {"empty label", "a..example", ""},
      {"leading dot", ".example", ""},
      {"63 octets are a label", std::string(63, 'a') + ".example",
       std::string(63, 'a') + ".example"},
      {"64 are not", std::string(64, 'a') + ".example", ""},
      {"hyphen in front", "-x.example", ""},
      {"hyphen behind", "x-.example", ""},
      {"an address is no name", "192.0.2.1", ""},
      {"quote", "legitimate.example'.attack.example", ""},
      {"parenthesis", "legitimate.example(.attack.example", ""},
      {"semicolon", "legitimate.example;.attack.example", ""},
      {"inner blank", "legit imate.example", ""},
      {"NUL", std::string("a\0b.example", 11), ""},
      {"U-label",
       "b\xc3\xbc"
       "cher.example",
       "xn--bcher-kva.example"},
      {"U-label in upper case",
       "B\xc3\x9c"
       "CHER.example",
       "xn--bcher-kva.example"},
      {"sharp s stays itself (non-transitional)", "fa\xc3\x9f.example", "xn--fa-hia.example"},
      {"ideographic full stop separates labels",
       "legitimate\xe3\x80\x82"
       "example",
       "legitimate.example"},
      {"homograph is its own name", "\xd0\xb0pple.example", "xn--pple-43d.example"},
      {"A-label that does not decode", "xn--0.example", ""},
      {"A-label of an emoji decodes", "xn--i-7iq.example", "xn--i-7iq.example"},
      {"zero-width space", "legitimate.example\xe2\x80\x8b", ""},
      {"soft hyphen", "legiti\xc2\xadmate.example", ""},
      {"no-break space", "legitimate.example\xc2\xa0", ""},
      {"broken UTF-8", "b\xc3.example", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto name = DomainName::parse(row.text);
    CHECK((name ? name->text() : std::string()) == row.name);
  }
}

TEST_CASE("254 octets are too long for a name") {
  std::string name;
  for (int i = 0; i < 4; ++i) name += std::string(62, 'a') + ".";
  CHECK(DomainName::parse(name + "a").has_value());
  CHECK(DomainName::parse(name + "a")->text().size() == 253);
  CHECK_FALSE(DomainName::parse(name + "aa").has_value());
  CHECK_FALSE(DomainName::parse(name + "a")->below("_dmarc").has_value());
}

TEST_CASE("labels are counted and cut from the left") {
  const auto name = *DomainName::parse("a.b.example.org");
  CHECK(name.label_count() == 4);
  CHECK(name.parent()->text() == "b.example.org");
  CHECK(name.rightmost(1).text() == "org");
  CHECK(name.rightmost(2).text() == "example.org");
  CHECK(name.rightmost(4).text() == "a.b.example.org");
  CHECK(name.rightmost(9).text() == "a.b.example.org");
  CHECK_FALSE(DomainName::parse("org")->parent().has_value());
  CHECK(name.below("_dmarc")->text() == "_dmarc.a.b.example.org");
}

TEST_CASE("below means at a label boundary") {
  const auto org = *DomainName::parse("example.org");
  CHECK(org.is_equal_or_below(org));
  CHECK(DomainName::parse("a.example.org")->is_equal_or_below(org));
  CHECK_FALSE(DomainName::parse("fexample.org")->is_equal_or_below(org));
  CHECK_FALSE(org.is_equal_or_below(*DomainName::parse("a.example.org")));
}
