#include "dns/answer_wire.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/records_text.h"

using namespace authmilter;
using namespace std::string_literals;

namespace {

constexpr int kNoError = 0;
constexpr int kServFail = 2;
constexpr int kNameError = 3;
constexpr int kA = 1;
constexpr int kCname = 5;
constexpr int kSoa = 6;
constexpr int kMx = 15;
constexpr int kTxt = 16;

std::string u16(std::size_t value) {
  return {static_cast<char>(value >> 8U & 0xffU), static_cast<char>(value & 0xffU)};
}

/// "a.b" as labels and the root.
std::string name(const std::string& text) {
  std::string wire;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('.', at), text.size());
    wire += static_cast<char>(end - at) + text.substr(at, end - at);
    at = end + 1;
  }
  return wire + '\0';
}

std::string pointer(std::size_t target) { return u16(0xc000U | target); }

std::string record(const std::string& owner, int type, std::size_t ttl, const std::string& data,
                   int rr_class = 1) {
  return owner + u16(static_cast<std::size_t>(type)) + u16(static_cast<std::size_t>(rr_class)) +
         u16(ttl >> 16U) + u16(ttl & 0xffffU) + u16(data.size()) + data;
}

std::string string(const std::string& text) { return static_cast<char>(text.size()) + text; }

/// A response to a question for x.test, whose name is at offset 12.
struct Response {
  int type = kA;
  std::string answers;
  std::size_t answer_count = 1;
  std::string authorities = {};
  int rcode = kNoError;
  std::size_t flags = 0x8180;
  std::string question = name("x.test");
  std::size_t question_count = 1;

  std::string wire() const {
    return "id" + u16(flags | static_cast<std::size_t>(rcode)) + u16(question_count) +
           u16(answer_count) + u16(authorities.empty() ? 0 : 1) + u16(0) + question +
           u16(static_cast<std::size_t>(type)) + u16(1) + answers + authorities;
  }
};

DnsAnswer parse(const std::string& wire, int type) {
  // A copy of its own, so that AddressSanitizer sees a read over its end.
  const std::vector<std::uint8_t> octets(wire.begin(), wire.end());
  return parse_dns_answer(octets, {DnsName::parse("x.test").value(), static_cast<RrType>(type)});
}

std::string told(const DnsAnswer& answer) {
  if (answer.status == DnsStatus::temperror) return std::string(to_string(answer.fault));
  std::string line(to_string(answer.status));
  line += " " + std::to_string(answer.ttl.count());
  if (!answer.records.empty()) line += " " + records_text(answer);
  return line;
}

const std::string kOwner = pointer(12);
const std::string kAddress("\xc0\x00\x02\x01", 4);
const std::string kSoaRecord =
    record(name("test"), kSoa, 900, name("ns") + name("hm") + std::string(16, '\1') + "\0\0\0\7"s);

}  // namespace

TEST_CASE("a response is read as the answer to its question (RFC 1035 section 4)") {
  const std::string chain =
      record(kOwner, kCname, 50, name("y.test")) + record(name("Y.TEST"), kA, 70, kAddress);
  const struct {
    std::string why;
    Response response;
    const char* want;
  } rows[] = {
      {"address", {kA, record(kOwner, kA, 60, kAddress)}, "success 60 192.0.2.1"},
      {"owner in any case, not compressed",
       {kA, record(name("X.tesT"), kA, 60, kAddress)},
       "success 60 192.0.2.1"},
      {"IPv6", {28, record(kOwner, 28, 1, std::string(15, '\0') + '\1')}, "success 1 ::1"},
      {"the lowest TTL",
       {kA, record(kOwner, kA, 60, kAddress) + record(kOwner, kA, 30, kAddress), 2},
       "success 30 192.0.2.1 192.0.2.1"},
      {"TTL above 31 bits is zero (RFC 2181 section 8)",
       {kA, record(kOwner, kA, 0x80000000U, kAddress)},
       "success 0 192.0.2.1"},
      {"MX in order of preference, target compressed",
       {kMx,
        record(kOwner, kMx, 9, u16(20) + "\2m2" + pointer(14)) +
            record(kOwner, kMx, 9, u16(10) + "\2m1" + pointer(14)),
        2},
       "success 9 10=m1.test 20=m2.test"},
      {"null MX (RFC 7505)", {kMx, record(kOwner, kMx, 9, u16(0) + name(""))}, "success 9 0="},
      {"PTR", {12, record(kOwner, 12, 9, name("Host.Test"))}, "success 9 host.test"},
      {"strings joined",
       {kTxt, record(kOwner, kTxt, 9, string("v=spf1 ") + string("") + string("-all"))},
       "success 9 [v=spf1 -all]"},
      {"TXT without a string among others",
       {kTxt, record(kOwner, kTxt, 9, "") + record(kOwner, kTxt, 9, string("v=spf1")), 2},
       "success 9 [v=spf1]"},
      {"an empty string", {kTxt, record(kOwner, kTxt, 9, string(""))}, "success 9 []"},
      {"CNAME, its TTL counts", {kA, chain, 2}, "success 50 192.0.2.1"},
      {"a CNAME itself", {kCname, chain, 2}, "success 50 y.test"},
      {"NS", {2, record(kOwner, 2, 9, name("ns.test"))}, "success 9 ns.test"},
      {"SOA, with a dot in its mailbox",
       {kSoa, record(kOwner, kSoa, 9,
                     name("ns.test") + string("host.master") + name("test") +
                         "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"s)},
       "success 9 ns.test 1 2 3 4 5"},
      {"SRV (RFC 2782)",
       {33, record(kOwner, 33, 9, u16(1) + u16(2) + u16(993) + name("imap.test"))},
       "success 9 1 2 993 imap.test"},
      {"DS (RFC 4034 section 5)",
       {43, record(kOwner, 43, 9, u16(20326) + "\x08\x02\xab\xcd")},
       "success 9 20326 8 2 abcd"},
      {"DNSKEY (RFC 4034 section 2)",
       {48, record(kOwner, 48, 9, u16(257) + "\x03\x0fkey")},
       "success 9 257 3 15 6b6579"},
      {"TLSA (RFC 6698 section 2)",
       {52, record(kOwner, 52, 9, "\x03\x01\x01\xde\xad")},
       "success 9 3 1 1 dead"},
      {"CAA (RFC 8659 section 4)",
       {257, record(kOwner, 257, 9, "\x80" + string("issue") + "ca.test")},
       "success 9 128 issue ca.test"},
      {"other owners, types and classes are passed over",
       {kA,
        record(name("z.test"), kA, 1, kAddress) + record(kOwner, kTxt, 1, string("t")) +
            record(kOwner, kA, 1, kAddress, 3) + record(kOwner, kA, 60, kAddress),
        4},
       "success 60 192.0.2.1"},
      {"no data, SOA's minimum", {kA, "", 0, kSoaRecord}, "no_data 7"},
      {"no data, no SOA", {kA, "", 0}, "no_data 60"},
      {"NXDOMAIN", {kA, "", 0, kSoaRecord, kNameError}, "nxdomain 7"},
      {"CNAME to a name that is not there",
       {kA, record(kOwner, kCname, 5, name("y.test")), 1, kSoaRecord, kNameError},
       "nxdomain 5"},
      {"SERVFAIL", {kA, "", 0, "", kServFail}, "servfail"},
      {"REFUSED", {kA, "", 0, "", 5}, "servfail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(told(parse(row.response.wire(), row.response.type)) == row.want);
  }
}

TEST_CASE("a damaged response is a temperror, never half an answer (A172)") {
  const std::string good = record(kOwner, kA, 60, kAddress);
  std::string size_past_end = good;
  size_past_end[11] = '\5';
  std::string aliases;
  for (char link = 'a'; link < 'j'; ++link)
    aliases += record(name(link == 'a' ? "x.test" : std::string(1, link)), kCname, 5,
                      name(std::string(1, static_cast<char>(link + 1))));
  // Offset 12 has the question's name; 24 is the first answer's owner.
  std::string labels_of_255;
  for (int i = 0; i < 4; ++i) labels_of_255 += string(std::string(63, 'l'));
  const struct {
    std::string why;
    Response response;
    const char* want;
  } rows[] = {
      {"RDLENGTH past the end", {kA, size_past_end}, "malformed"},
      {"address of five octets", {kA, record(kOwner, kA, 60, kAddress + "x")}, "malformed"},
      {"address of three octets", {kA, record(kOwner, kA, 60, "abc")}, "malformed"},
      {"string past its record, with octets behind",
       {kTxt, record(kOwner, kTxt, 60, "\xff" + std::string(4, 'x')) + std::string(300, 'y')},
       "malformed"},
      {"string past the message", {kTxt, record(kOwner, kTxt, 60, "\xff....")}, "malformed"},
      {"TXT without a string", {kTxt, record(kOwner, kTxt, 60, "")}, "malformed"},
      {"one bad record among good ones",
       {kTxt, record(kOwner, kTxt, 60, string("v")) + record(kOwner, kTxt, 60, "\x2x"), 2},
       "malformed"},
      {"ANCOUNT too large", {kA, good, 65535}, "malformed"},
      {"pointer to itself", {kA, record(pointer(24), kA, 60, kAddress)}, "malformed"},
      {"pointer forwards", {kA, record(pointer(40), kA, 60, kAddress)}, "malformed"},
      {"pointer past the end", {kA, record(pointer(0x3fff), kA, 60, kAddress)}, "malformed"},
      {"label type of RFC 2673", {kA, record("\x41x", kA, 60, kAddress)}, "malformed"},
      {"name of more than 255 octets",
       {kA, record(labels_of_255 + '\0', kA, 60, kAddress)},
       "malformed"},
      {"target does not fill its record",
       {12, record(kOwner, 12, 60, name("a.test") + "x")},
       "malformed"},
      {"target ends after its record", {12, record(kOwner, 12, 60, "\5ab")}, "malformed"},
      {"MX of two octets", {kMx, record(kOwner, kMx, 60, u16(10))}, "malformed"},
      {"SRV without a target",
       {33, record(kOwner, 33, 60, u16(1) + u16(2) + u16(993))},
       "malformed"},
      {"DS of three octets", {43, record(kOwner, 43, 60, u16(1) + "x")}, "malformed"},
      {"TLSA of two octets", {52, record(kOwner, 52, 60, "\3\1")}, "malformed"},
      {"CAA's tag past its record",
       {257, record(kOwner, 257, 60, "\x80\x09issue") + "octets"},
       "malformed"},
      {"SOA without its last number",
       {kSoa, record(kOwner, kSoa, 60, name("ns") + name("hm") + std::string(16, '\1'))},
       "malformed"},
      {"a dot inside a label is no separator",
       {12, record(kOwner, 12, 60, string("a.b") + name("test"))},
       "malformed"},
      {"the same in an alias",
       {kA, record(kOwner, kCname, 60, string("a.b") + name("test"))},
       "malformed"},
      {"nine aliases", {kA, aliases, 9}, "servfail"},
      {"alias loop",
       {kA, record(kOwner, kCname, 5, name("y")) + record(name("y"), kCname, 5, kOwner), 2},
       "servfail"},
      {"records and NXDOMAIN", {kA, good, 1, "", kNameError}, "malformed"},
      {"a query", {kA, good, 1, "", kNoError, 0x0100}, "malformed"},
      {"truncated", {kA, good, 1, "", kNoError, 0x8380}, "malformed"},
      {"another question", {kA, good, 1, "", kNoError, 0x8180, name("y.test")}, "malformed"},
      {"the same name by other labels",
       {kA, good, 1, "", kNoError, 0x8180, string("x.test") + '\0'},
       "malformed"},
      {"no question", {kA, good, 1, "", kNoError, 0x8180, name("x.test"), 0}, "malformed"},
      {"damaged authority", {kA, "", 0, kSoaRecord.substr(0, 12)}, "malformed"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(told(parse(row.response.wire(), row.response.type)) == row.want);
  }
  CHECK(told(parse(Response{kTxt, good}.wire(), kA)) == "malformed");
  CHECK(told(parse("", kA)) == "malformed");
  CHECK(told(parse(std::string(11, '\0'), kA)) == "malformed");
}

TEST_CASE("a message cut anywhere is never taken for whole") {
  const std::string wire =
      Response{kMx, record(kOwner, kMx, 9, u16(20) + "\2m2" + pointer(14))}.wire();
  for (std::size_t size = 0; size < wire.size(); ++size) {
    CAPTURE(size);
    CHECK(told(parse(wire.substr(0, size), kMx)) == "malformed");
  }
  CHECK(told(parse(wire, kMx)) == "success 9 20=m2.test");
}

TEST_CASE("a target that has no text is left out beside others") {
  const Response response{12,
                          record(kOwner, 12, 60, string("a.b") + name("test")) +
                              record(kOwner, 12, 60, name("good.test")),
                          2};
  CHECK(told(parse(response.wire(), 12)) == "success 60 good.test");
}

TEST_CASE("size is bounded by the message, and the message by 64 KiB") {
  const std::string text = record(kOwner, kTxt, 9, string(std::string(200, 't')));
  std::string many;
  for (int i = 0; i < 300; ++i) many += text;
  const std::string wire = Response{kTxt, many, 300}.wire();
  REQUIRE(wire.size() <= 65535);
  CHECK(parse(wire, kTxt).texts().size() == 300);
  CHECK(told(parse(wire + std::string(65536 - wire.size(), 'x'), kTxt)) == "malformed");

  // Pointers to pointers to pointers, each one step back.
  std::string pointers;
  const std::size_t first = 12 + 8 + 4 + 11;
  for (std::size_t i = 0; i < 4000; ++i) pointers += pointer(i == 0 ? 12 : first + 2 * (i - 1));
  const std::string padding = record(name(""), 99, 0, pointers);
  const std::string hostile =
      Response{kA, padding + record(pointer(first + 2 * 3999), kA, 60, kAddress), 2}.wire();
  CHECK(told(parse(hostile, kA)) == "malformed");
  const std::string patient =
      Response{kA, padding + record(pointer(first + 2 * 50), kA, 60, kAddress), 2}.wire();
  CHECK(told(parse(patient, kA)) == "success 60 192.0.2.1");
}
