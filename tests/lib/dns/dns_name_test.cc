#include <authmilter/dns_name.h>

#include <doctest/doctest.h>

#include <string>

using authmilter::DnsName;

TEST_CASE("a DNS name is labels of any octet (RFC 1035 section 2.3.4)") {
  const std::string label(63, 'a');
  const struct {
    std::string why;
    std::string text;
    bool good;
    std::string name;
  } rows[] = {
      {"lower case", "Mail.EXAMPLE", true, "mail.example"},
      {"one trailing dot", "example.", true, "example"},
      {"the root", ".", true, ""},
      {"the root is the empty text", "", true, ""},
      {"blank, quote and backslash", "a b.\"\\.example", true, "a b.\"\\.example"},
      {"octets above 127 stay", "\xc3\x84.example", true, "\xc3\x84.example"},
      {"NUL", std::string("a\0b.example", 11), true, std::string("a\0b.example", 11)},
      {"an address is a name", "192.0.2.1", true, "192.0.2.1"},
      {"two trailing dots", "example..", false, ""},
      {"leading dot", ".example", false, ""},
      {"empty label", "a..example", false, ""},
      {"63 octets are a label", label + ".x", true, label + ".x"},
      {"64 are not", label + "a.x", false, ""},
      {"253 octets are a name", label + "." + label + "." + label + "." + std::string(61, 'b'),
       true, label + "." + label + "." + label + "." + std::string(61, 'b')},
      {"254 are not", label + "." + label + "." + label + "." + std::string(62, 'b'), false, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto name = DnsName::parse(row.text);
    CHECK(name.has_value() == row.good);
    if (name) CHECK(name->text() == row.name);
    if (name) CHECK(name->is_root() == row.name.empty());
  }
}
