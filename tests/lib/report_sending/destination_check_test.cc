#include "report_sending/destination_check.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/scripted_resolver.h"

using namespace authmilter;

namespace {

using State = CheckedDestination::State;

DomainName name(std::string_view text) { return DomainName::parse(text).value(); }

/// Of 63, 63, 63 and the given number of octets: with 10 the longest host that can have a `_dmarc`
/// and no `_report._dmarc`.
std::string long_host(std::size_t octets) {
  const std::string label(63, 'l');
  return label + "." + label + "." + label + "." + std::string(octets, 'h') + ".net";
}

const std::string kZone =
    "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n"
    "_dmarc.sub.example.com. TXT \"v=DMARC1; p=none\"\n"
    "_dmarc.own.example.com. TXT \"v=DMARC1; p=none; psd=n\"\n"
    "_dmarc.bank. TXT \"v=DMARC1; p=none; psd=y\"\n"
    "example.com._report._dmarc.reader.net. TXT \"v=DMARC1\"\n"
    "example.com._report._dmarc.semicolon.net. TXT \"v=DMARC1;\"\n"
    "example.com._report._dmarc.blanks.net. TXT \"v = DMARC1 \"\n"
    "example.com._report._dmarc.second.net. TXT \"something else\"\n"
    "example.com._report._dmarc.second.net. TXT \"v=DMARC1\"\n"
    "example.com._report._dmarc.two.net. TXT \"v=DMARC1\"\n"
    "example.com._report._dmarc.two.net. TXT \"v=DMARC1; p=none\"\n"
    "example.com._report._dmarc.other.net. TXT \"v=spf1 -all\"\n"
    "example.com._report._dmarc.late.net. TXT \"p=none; v=DMARC1\"\n"
    "example.com._report._dmarc.dmarc10.net. TXT \"v=DMARC10\"\n"
    "*._report._dmarc.all.net. TXT \"v=DMARC1\"\n"
    "xn--bcher-kva.example._report._dmarc.reader.net. TXT \"v=DMARC1\"\n"
    "example.com._report._dmarc.moved.net. TXT \"v=DMARC1; rua=mailto:new@moved.net; "
    "ruf=mailto:failures@moved.net\"\n"
    "example.com._report._dmarc.both.net. TXT \"v=DMARC1; "
    "rua=mailto:a@both.net,mailto:b@both.net\"\n"
    "example.com._report._dmarc.away.net. TXT \"v=DMARC1; rua=mailto:x@victim.net\"\n"
    "example.com._report._dmarc.half.net. TXT \"v=DMARC1; "
    "rua=mailto:x@half.net,mailto:x@victim.net\"\n"
    "example.com._report._dmarc.hidden.net. TXT \"v=DMARC1; rua=mailto:x@hidden.net\"\n"
    "example.com._report._dmarc.hidden.net. TXT \"v=DMARC1; rua=mailto:x@victim.net\"\n"
    "example.com._report._dmarc.below.net. TXT \"v=DMARC1; rua=mailto:x@mx.below.net\"\n"
    "example.com._report._dmarc.web.net. TXT \"v=DMARC1; rua=https://web.net/reports\"\n"
    "example.com._report._dmarc.broken.net. TXT \"v=DMARC1; rua=nothing\"\n"
    "sub.example.com._report._dmarc.subs.net. TXT \"v=DMARC1\"\n";

const std::vector<ZoneFault> kFaults = {
    {"example.com._report._dmarc.slow.net", DnsFault::timeout},
    {"example.com._report._dmarc.ill.net", DnsFault::servfail},
    {"_dmarc.unknown.net", DnsFault::timeout},
};

std::string joined(const std::vector<ReportAddress>& addresses) {
  std::string all;
  for (const ReportAddress& address : addresses) all += (all.empty() ? "" : " ") + address.mailbox;
  return all;
}

}  // namespace

TEST_CASE("where reports may go (RFC 9990 section 4)") {
  const struct {
    const char* why;
    std::string domain;
    std::string uri;
    State state;
    std::string addresses;
  } rows[] = {
      {"the domain itself needs no agreement", "example.com", "mailto:d@example.com", State::send,
       "d@example.com"},
      {"nor does a host below it", "example.com", "mailto:d@mx.example.com", State::send,
       "d@mx.example.com"},
      {"nor the domain above: Organizational Domains are compared", "sub.example.com",
       "mailto:d@example.com", State::send, "d@example.com"},
      {"the host in capitals is the same host", "example.com", "mailto:d@Mx.EXAMPLE.com",
       State::send, "d@Mx.EXAMPLE.com"},
      {"psd=n makes an organization of its own", "example.com", "mailto:d@own.example.com",
       State::ignore, ""},
      {"and of what is above it another one", "own.example.com", "mailto:d@example.com",
       State::ignore, ""},
      {"below a public suffix are strangers", "a.bank", "mailto:d@b.bank", State::ignore, ""},
      {"an external host that agrees", "example.com", "mailto:d@reader.net", State::send,
       "d@reader.net"},
      {"step 6: a trailing semicolon", "example.com", "mailto:d@semicolon.net", State::send,
       "d@semicolon.net"},
      {"step 6: blanks, as in a policy record", "example.com", "mailto:d@blanks.net", State::send,
       "d@blanks.net"},
      {"step 6: records of others are left out", "example.com", "mailto:d@second.net", State::send,
       "d@second.net"},
      {"step 8: two records are no fault here", "example.com", "mailto:d@two.net", State::send,
       "d@two.net"},
      {"step 7: no record, no report", "example.com", "mailto:d@silent.net", State::ignore, ""},
      {"step 7: nor is another TXT record one", "example.com", "mailto:d@other.net", State::ignore,
       ""},
      {"step 6: the version comes first", "example.com", "mailto:d@late.net", State::ignore, ""},
      {"step 6: of the version as it is", "example.com", "mailto:d@dmarc10.net", State::ignore, ""},
      {"a wildcard agrees for everybody", "example.com", "mailto:d@all.net", State::send,
       "d@all.net"},
      {"step 3: an A-label",
       "b\xc3\xbc"
       "cher.example",
       "mailto:d@reader.net", State::send, "d@reader.net"},
      {"step 3: the domain of the record, not its organization", "sub.example.com",
       "mailto:d@reader.net", State::ignore, ""},
      {"which may have agreed alone", "sub.example.com", "mailto:d@subs.net", State::send,
       "d@subs.net"},
      {"step 4: a name that is too long", "example.com", "mailto:d@" + long_host(40), State::ignore,
       ""},
      {"and one that has no room for a walk", "example.com", "mailto:d@" + long_host(57),
       State::ignore, ""},
      {"step 5: a timeout may pass", "example.com", "mailto:d@slow.net", State::later, ""},
      {"step 5: a failing server too", "example.com", "mailto:d@ill.net", State::later, ""},
      {"whose the host is the DNS did not say", "example.com", "mailto:d@unknown.net", State::later,
       ""},
      {"step 9: another address on the host", "example.com", "mailto:d@moved.net", State::send,
       "new@moved.net"},
      {"step 9: or two", "example.com", "mailto:d@both.net", State::send, "a@both.net b@both.net"},
      {"step 9: never on another host, and then not to the first either", "example.com",
       "mailto:d@away.net", State::ignore, ""},
      {"step 9: not if one of two is", "example.com", "mailto:d@half.net", State::ignore, ""},
      {"step 9: not if one of another record is", "example.com", "mailto:d@hidden.net",
       State::ignore, ""},
      {"step 9: a host below is another host", "example.com", "mailto:d@below.net", State::ignore,
       ""},
      {"step 9: replaced by what we cannot send to", "example.com", "mailto:d@web.net",
       State::ignore, ""},
      {"step 9: a value without a URI is as none", "example.com", "mailto:d@broken.net",
       State::send, "d@broken.net"},
      {"RFC 9990 section 3.5: another scheme is ignored", "example.com", "https://example.com/r",
       State::ignore, ""},
      {"a malformed one too", "example.com", "mailto:example.com", State::ignore, ""},
      {"and one with an empty local part", "example.com", "mailto:@example.com", State::ignore, ""},
      {"RFC 9989 section 4.7: an obsolete size is taken off", "example.com",
       "mailto:d@example.com!10m", State::send, "d@example.com"},
      {"an encoded address is refused: it would be read twice", "example.com",
       "mailto:d%40example.com", State::ignore, ""},
      {"a name that each host has for itself", "example.com", "mailto:root@localhost",
       State::ignore, ""},
      {"text in the local part that a shell or sendmail could read", "example.com",
       "mailto:-oQ/tmp@example.com", State::send, "-oQ/tmp@example.com"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(kZone, kFaults);
    DestinationCheck check(*resolver);
    const CheckedDestination found = check.check(name(row.domain), row.uri, ReportTag::rua);
    CAPTURE(found.reason);
    CHECK(found.state == row.state);
    CHECK(joined(found.addresses) == row.addresses);
    CHECK(found.reason.empty() == (row.state == State::send));
  }
}

TEST_CASE("an agreement replaces `ruf` for failure reports (RFC 9991 section 5)") {
  const auto resolver = make_test_resolver(kZone, kFaults);
  DestinationCheck check(*resolver);
  CHECK(joined(check.check(name("example.com"), "mailto:d@moved.net", ReportTag::ruf).addresses) ==
        "failures@moved.net");
  // Its `rua` is none of the failure reports' business.
  CHECK(joined(check.check(name("example.com"), "mailto:d@away.net", ReportTag::ruf).addresses) ==
        "d@away.net");
}

TEST_CASE("within a run the DNS is asked once, also where it has refused") {
  for (const char* uri : {"mailto:d@silent.net", "mailto:d@reader.net", "mailto:d@slow.net"}) {
    CAPTURE(uri);
    ScriptedResolver resolver(kZone);
    DestinationCheck check(resolver);
    const CheckedDestination first = check.check(name("example.com"), uri, ReportTag::rua);
    const std::size_t asked = resolver.asked().size();
    CHECK(asked > 0);
    CHECK(check.check(name("example.com"), uri, ReportTag::rua) == first);
    CHECK(resolver.asked().size() == asked);
    const std::vector<std::string> names = resolver.names();
    CHECK(std::count_if(names.begin(), names.end(), [](const std::string& asked_name) {
            return asked_name.find("_report._dmarc") != std::string::npos;
          }) == 1);
  }
}

TEST_CASE("nobody is asked about the domain's own host") {
  ScriptedResolver resolver(kZone);
  DestinationCheck check(resolver);
  check.check(name("example.com"), "mailto:d@example.com", ReportTag::rua);
  CHECK(resolver.asked().empty());
}
