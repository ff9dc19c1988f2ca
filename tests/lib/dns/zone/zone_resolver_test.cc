#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "support/records_text.h"

using namespace authmilter;

namespace {

DnsAnswerRef ask(Resolver& resolver, const char* name, RrType type) {
  return resolver.resolve({DnsName::parse(name).value(), type});
}

/// The answer in one line: the status or fault, or the records in their order.
std::string told(const DnsAnswer& answer) {
  if (answer.status == DnsStatus::temperror)
    return "temperror/" + std::string(to_string(answer.fault));
  if (answer.status != DnsStatus::success) return std::string(to_string(answer.status));
  return records_text(answer);
}

std::string told(Resolver& resolver, const char* name, RrType type) {
  return told(*ask(resolver, name, type));
}

constexpr const char* kZone = R"($TTL 1h
$ORIGIN example.
@       IN SOA ns hostmaster\.team (   ; the escaped dot is nobody's concern here
               1 2h 30m 4w 5m )
        IN NS  ns
        MX     20 mx2
        MX     10 mx1.other.test.
        MX     20 mx3
        MX     10 mx0
mx2     300 IN A 192.0.2.2
mx2     IN 200 A 192.0.2.3
mx2     A 192.0.2.2             ; again: a set holds no record twice
mx2     AAAA 2001:db8::2
null    MX 0 .
UPPER   TXT "Kept As Is"
several TXT "one " "two" three
        TXT ( "a;b"            ; comment
              "c\"d\\\065" )
bytes   TXT "\000\255\195\169"
empty   TXT ""
split   TXT "ab" "c"
        TXT "abc"
        TXT "a" "bc"
        TXT abc                 ; again: a set holds no record twice
        TXT \# 5 02 6162 01 63  ; and in octets
a.b.c   A 192.0.2.9
alias   CNAME mx2
far     CNAME nowhere.test.
gone    CNAME not.there
noaddr 30 CNAME upper
loop    CNAME pool
pool    CNAME loop
*.wild  TXT "star"
        MX  10 mx0
sub.wild A 192.0.2.10
*.calias CNAME mx2
typed   TYPE65400 \# 1 00
old     SPF "v=spf1 +all"
2.2.0.192.in-addr.arpa. PTR mx2
foo\058bar TXT "colon"
sub     SOA ns hostmaster 1 2 3 4 7
x.sub   TXT "below the cut"
)";

}  // namespace

TEST_CASE("a zone answers as its master file says (RFC 1035 section 5)") {
  const auto resolver = make_test_resolver(kZone);
  const struct {
    std::string why;
    const char* name;
    RrType type;
    const char* want;
  } rows[] = {
      {"in order of preference, equals as written", "example", RrType::mx,
       "10=mx1.other.test 10=mx0.example 20=mx2.example 20=mx3.example"},
      {"TTL and class in either order, no record twice", "mx2.example", RrType::a,
       "192.0.2.2 192.0.2.3"},
      {"AAAA", "mx2.example", RrType::aaaa, "2001:db8::2"},
      {"null MX (RFC 7505)", "null.example", RrType::mx, "0="},
      {"owner in any case", "upper.example", RrType::txt, "[Kept As Is]"},
      {"question in any case", "UPPER.Example", RrType::txt, "[Kept As Is]"},
      {"strings joined, owner left out, semicolon in quotes, escapes", "several.example",
       RrType::txt, "[one twothree] [a;bc\"d\\A]"},
      {"an empty string is a record", "empty.example", RrType::txt, "[]"},
      {"another split is another record (RFC 2181 section 5)", "split.example", RrType::txt,
       "[abc] [abc] [abc]"},
      {"reverse name", "2.2.0.192.in-addr.arpa", RrType::ptr, "mx2.example"},
      {"escape in an owner name", "foo:bar.example", RrType::txt, "[colon]"},
      {"escape in the question is an octet like any", "foo\\058bar.example", RrType::txt,
       "nxdomain"},
      {"no such type", "upper.example", RrType::a, "no_data"},
      {"no such name", "missing.example", RrType::a, "nxdomain"},
      {"empty non-terminal (RFC 8020)", "b.c.example", RrType::a, "no_data"},
      {"empty non-terminal above the zone", "in-addr.arpa", RrType::ptr, "no_data"},
      {"outside of every zone", "other.test", RrType::txt, "nxdomain"},
      {"a type of RFC 3597 makes a name", "typed.example", RrType::txt, "no_data"},
      {"type SPF is not TXT (RFC 7208 section 3.1)", "old.example", RrType::txt, "no_data"},
      {"CNAME", "alias.example", RrType::a, "192.0.2.2 192.0.2.3"},
      {"CNAME to a name without the type", "noaddr.example", RrType::a, "no_data"},
      {"CNAME to no name", "gone.example", RrType::a, "nxdomain"},
      {"CNAME to no zone", "far.example", RrType::a, "nxdomain"},
      {"CNAME loop", "loop.example", RrType::a, "temperror/servfail"},
      {"wildcard (RFC 4592)", "any.wild.example", RrType::txt, "[star]"},
      {"wildcard, several labels", "a.b.c.wild.example", RrType::txt, "[star]"},
      {"wildcard without the type", "any.wild.example", RrType::a, "no_data"},
      {"a wildcard does not cover its parent", "wild.example", RrType::txt, "no_data"},
      {"nor a name that exists", "sub.wild.example", RrType::txt, "no_data"},
      {"nor what is below one", "x.sub.wild.example", RrType::txt, "nxdomain"},
      {"the wildcard's own name", "*.wild.example", RrType::txt, "[star]"},
      {"wildcard CNAME", "x.calias.example", RrType::aaaa, "2001:db8::2"},
      {"zone below a zone", "x.sub.example", RrType::txt, "[below the cut]"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(told(*resolver, row.name, row.type) == row.want);
  }
  CHECK(ask(*resolver, "bytes.example", RrType::txt)->texts().at(0) ==
        std::string("\0\xff\xc3\xa9", 4));
}

TEST_CASE("a zone holds records of every type that can be asked for") {
  const auto resolver = make_test_resolver(R"($ORIGIN example.
@           SOA    ns host 7 1h 1m 1w 300
@           NS     ns
@           DNSKEY 257 3 ED25519 ( a2 V5 )
@           CAA    0 issue "ca.test; account=1"
sub         DS     20326 8 2 ( AB
                   cd )
_25._tcp    TLSA   3 1 1 DEAD
_imaps._tcp SRV    0 1 993 mx
generic     TLSA   \# 5 03 0101 dead
alias       CNAME  sub
)");
  const struct {
    const char* name;
    RrType type;
    const char* want;
  } rows[] = {
      {"example", RrType::soa, "ns.example 7 3600 60 604800 300"},
      {"example", RrType::ns, "ns.example"},
      {"example", RrType::dnskey, "257 3 15 6b6579"},
      {"example", RrType::caa, "0 issue ca.test; account=1"},
      {"sub.example", RrType::ds, "20326 8 2 abcd"},
      {"_25._tcp.example", RrType::tlsa, "3 1 1 dead"},
      {"_imaps._tcp.example", RrType::srv, "0 1 993 mx.example"},
      {"generic.example", RrType::tlsa, "3 1 1 dead"},
      {"alias.example", RrType::cname, "sub.example"},
      {"alias.example", RrType::ds, "20326 8 2 abcd"},
      {"example", RrType::tlsa, "no_data"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CAPTURE(row.want);
    CHECK(told(*resolver, row.name, row.type) == row.want);
    CHECK(parse_rr_type(to_string(row.type)) == row.type);
  }
  CHECK(parse_rr_type("mx") == RrType::mx);
  CHECK_FALSE(parse_rr_type("RRSIG").has_value());
}

TEST_CASE("answers of a zone carry their time to live (RFC 2181 section 5.2, RFC 2308)") {
  const auto resolver = make_test_resolver(kZone);
  const struct {
    std::string why;
    const char* name;
    RrType type;
    int ttl;
  } rows[] = {
      {"$TTL", "upper.example", RrType::txt, 3600},
      {"the lowest of a set", "mx2.example", RrType::a, 200},
      {"no higher than the CNAME that led there", "noaddr.example", RrType::txt, 30},
      {"negative: the SOA's minimum", "missing.example", RrType::a, 300},
      {"negative: the nearest SOA", "missing.sub.example", RrType::a, 7},
      {"negative without an SOA", "missing.test", RrType::a, 60},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(ask(*resolver, row.name, row.type)->ttl == std::chrono::seconds(row.ttl));
  }
  // RFC 1035 section 5.1: without $TTL the last that was stated.
  const auto stated = make_test_resolver("a. A 192.0.2.1\nb. 60 A 192.0.2.1\nc. A 192.0.2.1\n");
  CHECK(ask(*stated, "a", RrType::a)->ttl == std::chrono::hours(1));
  CHECK(ask(*stated, "c", RrType::a)->ttl == std::chrono::seconds(60));
}

TEST_CASE("eight CNAMEs in a row are followed, nine are not") {
  const auto resolver = make_test_resolver(R"(
c9.example. CNAME c8.example.
c8.example. CNAME c7.example.
c7.example. CNAME c6.example.
c6.example. CNAME c5.example.
c5.example. CNAME c4.example.
c4.example. CNAME c3.example.
c3.example. CNAME c2.example.
c2.example. 5 CNAME c1.example.
c1.example. CNAME c0.example.
c0.example. A 192.0.2.1
)");
  CHECK(told(*resolver, "c8.example", RrType::a) == "192.0.2.1");
  CHECK(ask(*resolver, "c8.example", RrType::a)->ttl == std::chrono::seconds(5));
  CHECK(told(*resolver, "c9.example", RrType::a) == "temperror/servfail");
}

TEST_CASE("a bad master file is refused with its line") {
  const struct {
    std::string why;
    std::string text;
    const char* error;
  } rows[] = {
      {"a byte order mark", "\xef\xbb\xbf$TTL 300\na. A 192.0.2.1",
       "z:1: the file begins with a byte order mark (BOM), which is not part of a zone: save it as "
       "UTF-8 without one"},
      {"UTF-16", "\xff\xfe$", "z:1: the file is in UTF-16: save it as ASCII or UTF-8"},
      {"unknown type", "a.example. IN FOO 1", "z:1: unknown type \"FOO\""},
      {"unknown directive", "\n$INCLUDE x", "z:2: directive \"$INCLUDE\" is not understood"},
      {"a directive that nobody knows", "$FOO x", "z:1: directive \"$FOO\" is not understood"},
      {"a bad $TTL", "$TTL 1x", "z:1: \"1x\" is not a TTL"},
      {"after lines that a parenthesis joins", "a. TXT ( x\n y )\nb. FOO",
       "z:3: unknown type \"FOO\""},
      {"no owner", "  IN A 192.0.2.1", "z:1: record without an owner"},
      {"no type", "a. 60 IN", "z:1: record without a type"},
      {"other class", "a. CH TXT x", "z:1: class CH is not IN"},
      {"bad TTL", "a. 1x A 192.0.2.1", "z:1: \"1x\" is not a TTL"},
      {"TTL above 31 bits (RFC 2181 section 8)", "a. 2147483648 A 192.0.2.1",
       "z:1: \"2147483648\" is not a TTL"},
      {"bad address", "a. A 192.0.2.256", "z:1: \"192.0.2.256\" is not an address for A"},
      {"IPv6 in A", "a. A 2001:db8::1", "z:1: \"2001:db8::1\" is not an address for A"},
      {"IPv4 in AAAA", "a. AAAA 192.0.2.1", "z:1: \"192.0.2.1\" is not an address for AAAA"},
      {"bad preference", "a. MX 65536 b.", "z:1: \"65536\" is not an MX preference"},
      {"MX without a name", "a. MX 10", "z:1: MX needs a preference and a name"},
      {"two targets", "a. CNAME b. c.", "z:1: CNAME needs one name"},
      {"TXT without strings", "a. TXT ; nothing", "z:1: TXT needs at least one string"},
      {"open quote", "a. A 192.0.2.1\nb. TXT \"x", "z:2: quoted string without an end"},
      {"quote over two lines", "b. TXT \"x\ny\"", "z:1: quoted string without an end"},
      {"escape above 255", "b. TXT \"\\256\"", "z:1: bad escape in a string"},
      {"short escape", "b. TXT \"\\25\"", "z:1: bad escape in a string"},
      {"string of 256 octets", "b. TXT " + std::string(256, 'x'),
       "z:1: string longer than 255 octets"},
      {"parenthesis left open", "a. TXT ( x\ny", "z:2: unbalanced parenthesis"},
      {"parenthesis never opened", "a. TXT x )", "z:1: unbalanced parenthesis"},
      {"label of 64 octets", std::string(64, 'x') + ". A 192.0.2.1",
       "z:1: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\" is not a "
       "name"},
      {"empty label", "a..b. A 192.0.2.1", "z:1: \"a..b.\" is not a name"},
      {"a dot that does not separate", "a\\.b. A 192.0.2.1",
       "z:1: dot inside a label of the name \"a\\x5c.b.\""},
      {"the same in digits", "a\\046b. A 192.0.2.1",
       "z:1: dot inside a label of the name \"a\\x5c046b.\""},
      {"short SOA", "a. SOA b. c. 1 2 3 4", "z:1: SOA needs two names and five numbers"},
      {"a digit of hexadecimal too many", "a. DS 1 8 2 abc", "z:1: \"abc\" is not hexadecimal"},
      {"no hexadecimal", "a. TLSA 3 1 1 xyz", "z:1: \"xyz\" is not hexadecimal"},
      {"a key cut off", "a. DNSKEY 257 3 15 a2V", "z:1: \"a2V\" is not base64"},
      {"port above 16 bits", "a. SRV 0 0 65536 b.", "z:1: \"65536\" is not a port"},
      {"usage above 8 bits", "a. TLSA 256 1 1 aa", "z:1: \"256\" is not a certificate usage"},
      {"DS without a digest", "a. DS 1 8 2",
       "z:1: DS needs a key tag, an algorithm, a digest type and a digest"},
      {"generic data of another length (RFC 3597 section 5)", "a. A \\# 4 c00002",
       "z:1: A after \\# needs a length and that many octets"},
      {"generic data that the type does not have", "a. A \\# 3 c00002",
       "z:1: A after \\# needs a length and that many octets"},
      {"CNAME and an NS record", "a. NS b.\na. CNAME b.", "z:2: CNAME and other data at one name"},
      {"CNAME and other data", "a. A 192.0.2.1\na. CNAME b.",
       "z:2: CNAME and other data at one name"},
      {"two CNAMEs", "a. CNAME c.\na. CNAME b.", "z:2: CNAME and other data at one name"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto zone = make_zone_resolver({{"z", row.text}});
    REQUIRE_FALSE(zone);
    CHECK(zone.error().message == row.error);
    CHECK_THROWS_AS(make_test_resolver(row.text), std::invalid_argument);
  }
}

TEST_CASE("zones are asked first, the network only for what they do not hold") {
  const auto network = make_test_resolver(R"(
outside.test.      TXT "network"
_dmarc.held.test.  TXT "network"
held.test.         MX 10 network.test.
signed.example.    TXT "network"
target.test. 9     A 192.0.2.99
)");
  const auto zones = make_zone_resolver(
      {
          {"split horizon", "s1._domainkey.held.test. TXT \"zone\"\nheld.test. TXT \"zone\"\n"},
          {"authority", "$ORIGIN example.\n@ SOA a a 1 1 1 1 1\nout CNAME target.test.\n"},
      },
      network.get());
  REQUIRE(zones);
  const struct {
    std::string why;
    const char* name;
    RrType type;
    const char* want;
  } rows[] = {
      {"held", "held.test", RrType::txt, "[zone]"},
      {"held, without the type", "held.test", RrType::mx, "no_data"},
      {"not held, beside one that is", "_dmarc.held.test", RrType::txt, "[network]"},
      {"only a name below is held", "_domainkey.held.test", RrType::txt, "nxdomain"},
      {"not held", "outside.test", RrType::txt, "[network]"},
      {"below an SOA", "signed.example", RrType::txt, "nxdomain"},
      {"CNAME that leaves the zones", "out.example", RrType::a, "192.0.2.99"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(told(**zones, row.name, row.type) == row.want);
  }
  CHECK(ask(**zones, "out.example", RrType::a)->ttl == std::chrono::seconds(9));
}

TEST_CASE("a test resolver's fault stands for every record that is not there") {
  const auto resolver = make_test_resolver(
      "slow.example. TXT \"there\"\n*.example. A 192.0.2.1\nto CNAME dead.test.\n",
      {{"slow.example", DnsFault::timeout}, {"DEAD.test.", DnsFault::servfail}});
  CHECK(told(*resolver, "slow.example", RrType::txt) == "[there]");
  CHECK(told(*resolver, "slow.example", RrType::a) == "temperror/timeout");
  CHECK(told(*resolver, "dead.test", RrType::a) == "temperror/servfail");
  CHECK(told(*resolver, "to", RrType::a) == "temperror/servfail");
  CHECK(told(*resolver, "x.dead.test", RrType::a) == "nxdomain");
  CHECK_THROWS_AS(make_test_resolver("", {{"a..b", DnsFault::timeout}}), std::invalid_argument);
}
