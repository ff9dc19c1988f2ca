#include "dns/check/server_rules.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

using Outcome = DirectReply::Outcome;

DirectReply answered(unsigned rcode = 0) {
  DirectReply reply;
  reply.outcome = Outcome::answered;
  reply.after = 20ms;
  reply.rcode = rcode;
  reply.recursive = true;
  reply.extended = true;
  reply.has_signatures = true;
  reply.records = rcode == 0 ? 1 : 0;
  return reply;
}

DirectReply lost(Outcome outcome) {
  DirectReply reply;
  reply.outcome = outcome;
  reply.after = 5s;
  return reply;
}

/// A server without any fault.
NameServerFacts good() {
  NameServerFacts facts;
  facts.plain = facts.extended = facts.by_tcp = facts.root_key = facts.delegation =
      facts.domain_key = answered();
  facts.plain.extended = facts.plain.has_signatures = false;
  facts.missing = answered(3);
  facts.large = answered();
  facts.large.truncated = true;
  facts.large.records = 0;
  facts.large_by_tcp = answered();
  facts.large_by_tcp.text_octets = 4000;
  facts.loopback = answered();
  facts.loopback.addresses = {IpAddress::parse("127.0.0.2").value()};
  return facts;
}

DnsAnswerRef answer(std::function<void(DnsAnswer&)> change) {
  auto made = std::make_shared<DnsAnswer>();
  made->status = DnsStatus::success;
  change(*made);
  return made;
}

DaemonFacts good_daemon() {
  DaemonFacts facts;
  facts.validating = true;
  facts.signed_answer = answer([](DnsAnswer& a) { a.secure = true; });
  facts.bogus_answer = std::make_shared<DnsAnswer>(DnsAnswer::failed(DnsFault::bogus));
  facts.large_answer =
      answer([](DnsAnswer& a) { a.records = {TxtRecord{std::string(4000, 'x')}}; });
  facts.loopback_answer =
      answer([](DnsAnswer& a) { a.records = {ARecord{IpAddress::parse("127.0.0.2").value()}}; });
  return facts;
}

/// The checks that are not passed: "tcp=fail".
std::string bad(const std::vector<DnsCheck>& checks) {
  std::string text;
  for (const DnsCheck& check : checks) {
    CHECK_FALSE(check.evidence.empty());
    CHECK(check.remedy.empty() == (check.status == DnsCheckStatus::pass));
    if (check.status == DnsCheckStatus::pass) continue;
    text += (text.empty() ? "" : " ") + check.id + "=" + std::string(to_string(check.status));
  }
  return text;
}

}  // namespace

TEST_CASE("what a name server's answers show") {
  using Change = std::function<void(NameServerFacts&)>;
  const struct {
    const char* why;
    Change change;
    const char* bad;
    const char* evidence;  // part of that of the first
  } rows[] = {
      {"all is well", [](NameServerFacts&) {}, "", ""},
      {"silent",
       [](NameServerFacts& f) {
         f = NameServerFacts();
         f.extended = lost(Outcome::silent);
       },
       "answers=fail", "no answer within 5000 ms"},
      {"no such port",
       [](NameServerFacts& f) {
         f = NameServerFacts();
         f.extended = lost(Outcome::refused);
       },
       "answers=fail", "nothing listens there"},
      {"UDP is lost", [](NameServerFacts& f) { f.plain = f.extended = lost(Outcome::silent); },
       "answers=fail edns=fail", "over TCP only"},
      {"not for this host (REFUSED)",
       [](NameServerFacts& f) { f.plain = f.extended = f.by_tcp = answered(5); }, "answers=fail",
       "REFUSED"},
      {"SERVFAIL", [](NameServerFacts& f) { f.plain = f.extended = f.by_tcp = answered(2); },
       "answers=fail", "fails for iana.org: SERVFAIL"},
      {"a private tree", [](NameServerFacts& f) { f.plain = f.extended = f.by_tcp = answered(3); },
       "answers=unknown", "iana.org does not exist"},
      {"a server of zones", [](NameServerFacts& f) { f.extended.recursive = false; },
       "answers=fail", "no recursion"},
      {"slow", [](NameServerFacts& f) { f.missing.after = 1500ms; }, "time=warn", "took 1500 ms"},
      {"EDNS is lost on the way", [](NameServerFacts& f) { f.extended = lost(Outcome::silent); },
       "edns=fail", "are lost"},
      {"no EDNS, so no DNSSEC",
       [](NameServerFacts& f) {
         f.extended.extended = false;
         f.extended.has_signatures = f.root_key.has_signatures = false;
       },
       "edns=warn dnssec=warn", "does not speak EDNS"},
      {"no TCP", [](NameServerFacts& f) { f.by_tcp = f.large_by_tcp = lost(Outcome::refused); },
       "tcp=fail large=fail", "does not answer over TCP: nothing listens"},
      {"A197: what is below the root is refused",
       [](NameServerFacts& f) { f.delegation = f.domain_key = answered(5); }, "dnssec=warn",
       "passes the keys of the root, but not the DS of org: REFUSED"},
      {"DNSKEY alone is refused", [](NameServerFacts& f) { f.domain_key = answered(2); },
       "dnssec=warn", "the DNSKEY of org: SERVFAIL"},
      {"signatures are stripped",
       [](NameServerFacts& f) { f.root_key.has_signatures = f.extended.has_signatures = false; },
       "dnssec=warn", "strips DNSSEC signatures"},
      {"the root is refused", [](NameServerFacts& f) { f.root_key = answered(5); }, "dnssec=warn",
       "DNSKEY of the root: REFUSED"},
      {"a zone that is not signed", [](NameServerFacts& f) { f.extended.has_signatures = false; },
       "dnssec=warn", "no signature of iana.org"},
      {"large records over TCP are lost",
       [](NameServerFacts& f) { f.large_by_tcp = lost(Outcome::silent); }, "large=fail",
       "do not come"},
      {"large records are emptied", [](NameServerFacts& f) { f.large_by_tcp.records = 0; },
       "large=fail", "cut off"},
      {"large records fit",
       [](NameServerFacts& f) {
         f.large = f.large_by_tcp;
         f.large_by_tcp = lost(Outcome::silent);
       },
       "", ""},
      {"no large records in this tree",
       [](NameServerFacts& f) { f.large = f.large_by_tcp = answered(3); }, "large=unknown",
       "no TXT records"},
      {"records that are not large", [](NameServerFacts& f) { f.large_by_tcp.text_octets = 300; },
       "large=unknown", "300 octets only"},
      {"a filter against DNS rebinding (dnsmasq --stop-dns-rebind)",
       [](NameServerFacts& f) { f.loopback.addresses.clear(); }, "loopback=fail", "is emptied"},
      {"another address for it",
       [](NameServerFacts& f) { f.loopback.addresses = {IpAddress::parse("192.0.2.1").value()}; },
       "loopback=fail", "another address here: 192.0.2.1"},
      {"no such name in this tree", [](NameServerFacts& f) { f.loopback = answered(3); },
       "loopback=unknown", "NXDOMAIN"},
      {"names that do not exist get an address (RFC 8020)",
       [](NameServerFacts& f) {
         f.missing = answered(0);
         f.missing.addresses = {IpAddress::parse("198.51.100.1").value()};
       },
       "missing=fail", "198.51.100.1"},
      {"a zone that denies types only",
       [](NameServerFacts& f) {
         f.missing = answered(0);
         f.missing.records = 0;
       },
       "missing=unknown", "NOERROR"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    NameServerFacts facts = good();
    row.change(facts);
    const auto checks = judge_server(facts, {});
    CHECK(bad(checks) == row.bad);
    for (const DnsCheck& check : checks) {
      if (check.status == DnsCheckStatus::pass) continue;
      CAPTURE(check.evidence);
      CHECK(check.evidence.find(row.evidence) != std::string::npos);
      break;
    }
  }
  // What may be missing with "auto" may not be with "on", and is not looked at with "off".
  NameServerFacts stripped = good();
  stripped.root_key.has_signatures = false;
  CHECK(bad(judge_server(stripped, {.names = {}, .dnssec = DnssecMode::on})) == "dnssec=fail");
  CHECK(bad(judge_server(stripped, {.names = {}, .dnssec = DnssecMode::off})) == "");
}

TEST_CASE("what the daemon's own lookups show") {
  using Change = std::function<void(DaemonFacts&)>;
  const auto failed = [](DnsFault fault) {
    return std::make_shared<DnsAnswer>(DnsAnswer::failed(fault));
  };
  const auto nothing = answer([](DnsAnswer& a) { a.status = DnsStatus::no_data; });
  const auto no_name = answer([](DnsAnswer& a) { a.status = DnsStatus::nxdomain; });
  const auto insecure = answer([](DnsAnswer&) {});
  const struct {
    const char* why;
    Change change;
    const char* bad;
  } rows[] = {
      {"all is well", [](DaemonFacts&) {}, ""},
      {"nothing is answered",
       [&](DaemonFacts& f) {
         f.signed_answer = f.bogus_answer = f.large_answer = f.loopback_answer =
             failed(DnsFault::timeout);
         f.validating = false;
       },
       "lookups=fail validation=warn bogus=unknown large=fail loopback=unknown"},
      {"the clock is wrong", [&](DaemonFacts& f) { f.signed_answer = failed(DnsFault::bogus); },
       "lookups=fail validation=fail"},
      {"not validated here, but by the name servers",
       [&](DaemonFacts& f) {
         f.signed_answer = insecure;
         f.bogus_answer = failed(DnsFault::servfail);
         f.validating = false;
       },
       "validation=warn"},
      {"validated by nobody",
       [&](DaemonFacts& f) {
         f.signed_answer = f.bogus_answer = insecure;
         f.validating = false;
       },
       "validation=warn bogus=warn"},
      {"a bogus name that is not", [&](DaemonFacts& f) { f.bogus_answer = insecure; },
       "bogus=fail"},
      {"a private tree",
       [&](DaemonFacts& f) {
         f.signed_answer = f.bogus_answer = f.large_answer = f.loopback_answer = no_name;
       },
       "lookups=unknown validation=unknown bogus=unknown large=unknown loopback=unknown"},
      {"large records do not come",
       [&](DaemonFacts& f) { f.large_answer = failed(DnsFault::servfail); }, "large=fail"},
      {"a filter against DNS rebinding", [&](DaemonFacts& f) { f.loopback_answer = nothing; },
       "loopback=fail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DaemonFacts facts = good_daemon();
    row.change(facts);
    CHECK(bad(judge_daemon(facts, {})) == row.bad);
  }
}

TEST_CASE("a reply is one to the question that was asked (RFC 1035 section 4.1)") {
  const auto reply_of = [](std::string octets) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(octets.data());
    return read_direct_reply({begin, octets.size()}, 0x1234,
                             {DnsName::parse("a.example").value(), RrType::txt});
  };
  using namespace std::string_literals;
  const std::string question = "\1a\7example\0\0\x10\0\1"s;
  const std::string text = "\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\4\3abc"s;
  const struct {
    const char* why;
    std::string octets;
    Outcome outcome;
    std::size_t text_octets;
  } rows[] = {
      {"a text", "\x12\x34\x81\x80\0\1\0\1\0\0\0\0"s + question + text, Outcome::answered, 3},
      {"another id", "\x12\x35\x81\x80\0\1\0\1\0\0\0\0"s + question + text, Outcome::unreadable, 0},
      {"a question", "\x12\x34\1\0\0\1\0\1\0\0\0\0"s + question + text, Outcome::unreadable, 0},
      {"another question", "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1b\7example\0\0\x10\0\1"s + text,
       Outcome::unreadable, 0},
      {"another type", "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1"s,
       Outcome::unreadable, 0},
      {"an error without the question", "\x12\x34\x81\x85\0\0\0\0\0\0\0\0"s, Outcome::answered, 0},
      {"no question and no error", "\x12\x34\x81\x80\0\0\0\0\0\0\0\0"s, Outcome::unreadable, 0},
      {"counts that lie", "\x12\x34\x81\x80\0\1\xff\xff\0\0\0\0"s + question + text,
       Outcome::unreadable, 3},
      {"cut off, and said so", "\x12\x34\x83\x80\0\1\0\2\0\0\0\0"s + question + text,
       Outcome::answered, 3},
      {"a string over the end of its record",
       "\x12\x34\x81\x80\0\1\0\1\0\0\0\0"s + question + "\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\4\7abc"s,
       Outcome::answered, 0},
      {"a header that is cut off", "\x12\x34\x81"s, Outcome::unreadable, 0},
      {"nothing", "", Outcome::unreadable, 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto reply = reply_of(row.octets);
    CHECK(reply.outcome == row.outcome);
    CHECK(reply.text_octets == row.text_octets);
  }
}
