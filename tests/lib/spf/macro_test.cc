#include "spf/macro.h"

#include <doctest/doctest.h>

#include <string>

using namespace authmilter;
using namespace authmilter::spf;

namespace {

struct World {
  std::string local_part = "strong-bad";
  DomainName sender_domain = DomainName::parse("email.example.com").value();
  DnsName domain = DnsName::parse("email.example.com").value();
  IpAddress client = IpAddress::parse("192.0.2.3").value();
  std::string helo = "mx.example.org";

  MacroValues values() const {
    return {.local_part = local_part,
            .sender_domain = sender_domain,
            .domain = domain,
            .client = client,
            .helo = helo,
            .receiver = "receiver.example",
            .now = 1'700'000'000,
            .validated_name = [] { return std::string("mx.example.org"); }};
  }
};

/// An explanation allows every macro.
std::string expanded(const std::string& text, const World& world = {}) {
  const auto parsed = parse_explanation(text);
  return parsed ? expand(*parsed, world.values()) : "(syntax error)";
}

}  // namespace

TEST_CASE("macros expand as RFC 7208 section 7.4 shows, edge case 13") {
  const struct {
    std::string macro;
    std::string value;
  } rows[] = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
      {"%{c}", "192.0.2.3"},
      {"%{r}", "receiver.example"},
      {"%{t}", "1700000000"},
      {"%{h}", "mx.example.org"},
      {"%{p}", "mx.example.org"},
      {"%{D2}", "example.com"},
      {"%{IR}", "3.2.0.192"},
      {"%{d200}", "email.example.com"},
      {"%{iR}", "3.2.0.192"},
      {"%%%_%-", "% %20"},
      {"a b", "a b"},
      {"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.macro);
    CHECK(expanded(row.macro) == row.value);
  }
}

TEST_CASE("IPv6 clients expand to nibbles (RFC 7208 section 7.4), edge case 15") {
  World world;
  world.client = IpAddress::parse("2001:db8::cb01").value();
  CHECK(expanded("%{ir}.%{v}", world) ==
        "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6");
  CHECK(expanded("%{c}", world) == "2001:db8::cb01");
  world.client = IpAddress::parse("::ffff:192.0.2.3").value();
  CHECK(expanded("%{i}.%{v}", world) == "192.0.2.3.in-addr");
}

TEST_CASE("transformers split, reverse, keep and join (RFC 7208 section 7.3)") {
  const struct {
    std::string why;
    std::string local_part;
    std::string macro;
    std::string value;
  } rows[] = {
      {"every delimiter, and only dots between the parts", "a.b-c+d,e/f_g=h", "%{lr.-+,/_=}",
       "h.g.f.e.d.c.b.a"},
      {"a delimiter list leaves dots alone", "a.b-c", "%{lr-}", "c.a.b"},
      {"empty parts stay", "-a--b-", "%{l-}", ".a..b."},
      {"reversal comes before keeping", "a.b.c", "%{l1r}", "a"},
      {"more than there is: all", "a.b", "%{l128}", "a.b"},
      {"A170: %{d1r} is one part", "example.com", "%{l1r}", "example"},
      {"a comma", "a,b", "%{l1r,}", "a"},
      {"a slash", "a/b", "%{l1r/}", "a"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    World world;
    world.local_part = row.local_part;
    CHECK(expanded(row.macro, world) == row.value);
  }
}

TEST_CASE("A170: upper-case letters escape all but the unreserved set (RFC 7208 section 7.3)") {
  const struct {
    std::string local_part;
    std::string value;
  } rows[] = {
      {"\xff\xfe!x", "%FF%FE%21x"},
      {"a!b*c'd", "a%21b%2Ac%27d"},
      {"~jack&jill=up-a_b3.c", "~jack%26jill%3Dup-a_b3.c"},
      {std::string("a\0b", 3), "a%00b"},
      {"%{d}", "%25%7Bd%7D"},
  };
  for (const auto& row : rows) {
    World world;
    world.local_part = row.local_part;
    CHECK(expanded("%{L}", world) == row.value);
  }
  World world;
  for (int i = 0; i < 250; ++i) world.local_part += "-a";
  CHECK(expanded("%{lr-}.t", world).size() == 512);
}

TEST_CASE("values are not expanded again") {
  World world;
  world.local_part = "%{d}%%";
  CHECK(expanded("%{l}", world) == "%{d}%%");
}

TEST_CASE("macro syntax (RFC 7208 section 7.1)") {
  const struct {
    std::string why;
    std::string text;
  } rows[] = {
      {"percent before a letter", "%abc"},
      {"percent at the end", "abc%"},
      {"round brackets", "%(ir).example.com"},
      {"unknown letter", "%{x}.example.com"},
      {"no letter", "%{}.example.com"},
      {"not closed", "%{d.example.com"},
      {"A169: digit zero", "%{d0}.example.com"},
      {"A169: more digits than any name has parts", "%{d999999999999}.example.com"},
      {"unknown delimiter", "%{d|}.example.com"},
      {"delimiter before the r", "%{d-r}.example.com"},
      {"digits behind the r", "%{dr2}.example.com"},
      {"nested", "%{%{d}}.example.com"},
      {"control character", "a\x01.example.com"},
      {"octet beyond ASCII", "\xc3\xbc.example.com"},
      {"NUL", std::string("a\0.example.com", 14)},
      {"DEL", "a\x7f.example.com"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK_FALSE(parse_domain_spec(row.text));
    CHECK_FALSE(parse_modifier_value(row.text));
    CHECK_FALSE(parse_explanation(row.text));
  }
}

TEST_CASE("a domain-spec ends in a top label or a macro (RFC 7208 section 7.1)") {
  const struct {
    std::string text;
    bool valid;
  } rows[] = {
      {"example.com", true},
      {"example.com.", true},
      {"example.com..", false},
      {"%{d}", true},
      {"%{d}.com", true},
      {"%{d}com", false},
      {"foo%-", true},
      {"foo%%", true},
      {"foo.xn--zckzah", true},
      {"foo.1-2", true},
      {"foo.1a", true},
      {"foo.12", false},
      {"192.0.2.1", false},
      {"museum", false},
      {"museum.", false},
      {".com", true},
      {".", false},
      {"", false},
      {"example.-com", false},
      {"example.com-", false},
      {"example.c_m", false},
      {"example.com:8080", false},
      {"foo:bar/baz.example.com", true},
      {"_spf.example.com", true},
      {"a..example.com", true},
      {"%{c}.example.com", false},
      {"%{r}.example.com", false},
      {"%{t}.example.com", false},
      {"a b.example.com", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(parse_domain_spec(row.text).has_value() == row.valid);
  }
}

TEST_CASE("edge case 14: long names lose labels on the left (RFC 7208 section 7.3)") {
  const std::string label(49, 'a');
  std::string name;
  for (int i = 0; i < 5; ++i) name += label + ".";
  name += "org";  // 253 octets
  REQUIRE(name.size() == 253);
  CHECK(target_name(name)->text() == name);
  CHECK(target_name("x." + name)->text() == name);
  CHECK(target_name(name + ".")->text() == name);
  CHECK(target_name("b" + name)->text() == name.substr(50));
  CHECK_FALSE(target_name(std::string(300, 'a')));
}

TEST_CASE("A66: what no query can be made of gives no name") {
  const struct {
    std::string why;
    std::string expanded;
    std::string name;  // empty: none
  } rows[] = {
      {"lower case", "Example.ORG", "example.org"},
      {"blanks and percent are octets", "macro%percent  space.example",
       "macro%percent  space.example"},
      {"a backslash escapes nothing", "a\\.b\\000c.example", "a\\.b\\000c.example"},
      {"trailing dot", "example.org.", "example.org"},
      {"two trailing dots", "example.org..", ""},
      {"empty label", "a..b.example", ""},
      {"path", "a..b/../x.example", ""},
      {"long label", std::string(64, 'a') + ".example", ""},
      {"empty", "", ""},
      {"root", ".", ""},
      {"control character", "a\r\n.example", ""},
      {"NUL", std::string("a\0b.example", 11), ""},
      {"beyond ASCII", "\xc3\xbc.example", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto name = target_name(row.expanded);
    CHECK((name ? name->text() : std::string()) == row.name);
  }
}
