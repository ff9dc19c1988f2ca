#include "log/message_line.h"

#include <doctest/doctest.h>

#include <string>

#include "log/log.h"
#include "milter/records.h"

using namespace authmilter;

namespace {

MessageRecord in_monitor_mode(MessageRecord record) {
  record.tls_missing = true;
  record.tls_version = "";
  return record;
}

MessageRecord without_changes(MessageRecord record) {
  record.changes_failed = true;
  return record;
}

MessageVerdict undecided() {
  MessageVerdict verdict = rejection();
  verdict.findings.dmarc.result = DmarcResult::temperror;
  for (const char* name :
       {"a.example", "b.example", "a.example", "c.example", "d.example", "e.example"}) {
    verdict.findings.dkim.push_back(dkim(DkimResult::temperror, name));
    verdict.findings.dkim.back().undecided_by =
        FailedLookup{{*DnsName::parse(name), RrType::txt}, DnsFault::timeout};
  }
  verdict.decision.disposition = verdict.disposition = Disposition::tempfail;
  return verdict;
}

MessageVerdict with_added_fields() {
  MessageVerdict verdict = good_verdict();
  verdict.findings.dkim = {dkim(DkimResult::fail, "a.example"), dkim(DkimResult::pass, "b.example"),
                           dkim(DkimResult::pass, "c.example")};
  verdict.findings.dkim[0].domain.reset();
  verdict.findings.dkim[0].added_fields = {"cc"};
  verdict.findings.dkim[1].added_fields = {"subject", "reply-to"};
  verdict.findings.dkim[2].added_fields = {"subject"};
  return verdict;
}

MessageVerdict with_chain() {
  MessageVerdict verdict = rejection();
  ArcOutcome& arc = verdict.findings.arc;
  arc.result = ArcResult::fail;
  arc.reason = Reason<ArcReason>(DnsFault::timeout);
  arc.undecided_by =
      FailedLookup{{*DnsName::parse("s._domainkey.b.example"), RrType::txt}, DnsFault::timeout};
  for (const char* name : {"a.example", "b.example"})
    arc.hops.push_back({.sealer = domain(name), .selector = domain("s")});
  return verdict;
}

/// Of mail that a forwarder has handed on, and that is sealed.
MessageVerdict sealed_behind(PastForwarder past) {
  MessageVerdict verdict = good_verdict();
  verdict.findings.forwarder = std::move(past);
  verdict.seal.state = SealState::sealed;
  verdict.seal.key = SigningKey{domain("a.example"), domain("s"), nullptr};
  return verdict;
}

/// What monitor mode makes of a rejection.
MessageVerdict let_pass() {
  MessageVerdict verdict = rejection();
  verdict.disposition = Disposition::accept;
  return verdict;
}

MessageRecord from_user(SigningOutcome signing) {
  MessageRecord record = record_of(std::move(signing));
  record.envelope.client.reset();
  record.envelope.auth_user = "alice";
  return record;
}

SigningOutcome fragile() {
  SigningOutcome signing = signed_by({nullptr, nullptr});
  signing.fragile = {Fragility::long_line, Fragility::eight_bit};
  return signing;
}

SigningOutcome failed() {
  SigningOutcome signing = not_signed({SigningReason::signing_failed, "2026a"});
  signing.failed = true;
  return signing;
}

MessageRecord refused(const char* queue_id) {
  MessageRecord record =
      record_of(TlsRefusal{{530, "5.7.10", "TLS first"}, "no TLS, TLSv1.2 is asked"});
  record.queue_id = queue_id;
  record.tls_version = "";
  return record;
}

}  // namespace

TEST_CASE("the line of a message is made of its record alone") {
  const struct {
    std::string why;
    MessageRecord record;
    std::string line;
  } rows[] = {
      {"accepted", record_of(good_verdict()),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org spf=pass spf_helo=none dkim=pass "
       "dkim_domain=example.org dmarc=pass action=accept rule=dmarc.pass dns_ms=12 ms=41"},
      {"rejected: the reason is told, and what was not checked is \"-\"", record_of(rejection()),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org spf=fail spf_helo=- dkim=none "
       "dmarc=fail action=reject rule=dmarc.reject reason=\"dmarc fail for example.org\" dns_ms=12 "
       "ms=41"},
      {"monitor mode: what the policy says", record_of(let_pass()),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org spf=fail spf_helo=- dkim=none "
       "dmarc=fail action=accept policy=reject rule=dmarc.reject reason=\"dmarc fail for "
       "example.org\" dns_ms=12 ms=41"},
      {"monitor mode: what network.require_tls says", in_monitor_mode(record_of(good_verdict())),
       "id=4Xk2 client=192.0.2.1 tls=none from=example.org spf=pass spf_helo=none dkim=pass "
       "dkim_domain=example.org dmarc=pass action=accept rule=dmarc.pass dns_ms=12 "
       "tls_policy=reject ms=41"},
      {"the MTA has not taken the changes", without_changes(record_of(good_verdict())),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org spf=pass spf_helo=none dkim=pass "
       "dkim_domain=example.org dmarc=pass action=tempfail rule=dmarc.pass dns_ms=12 ms=41 "
       "failed=changes"},
      {"look-ups that failed, each name once and four of them", record_of(undecided()),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org spf=fail spf_helo=- "
       "dkim=temperror,temperror,temperror,temperror,temperror,temperror "
       "dkim_domain=a.example,b.example,a.example,c.example,d.example,e.example dmarc=temperror "
       "undecided=\"a.example=dns-timeout,b.example=dns-timeout,c.example=dns-timeout,"
       "d.example=dns-timeout\" action=tempfail rule=dmarc.reject reason=\"dmarc fail for "
       "example.org\" dns_ms=12 ms=41"},
      {"a chain, its sealers, and the key that was not to be had", record_of(with_chain()),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org spf=fail spf_helo=- dkim=none "
       "dmarc=fail arc=fail arc_domain=a.example,b.example "
       "undecided=\"s._domainkey.b.example=dns-timeout\" action=reject rule=dmarc.reject "
       "reason=\"dmarc fail for example.org\" dns_ms=12 ms=41"},
      {"past a forwarder, and sealed",
       record_of(sealed_behind({.client = IpAddress::parse("198.51.100.7")})),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org spf=pass spf_helo=none "
       "spf_client=198.51.100.7 dkim=pass dkim_domain=example.org dmarc=pass action=accept "
       "rule=dmarc.pass seal=sealed seal_key=s._domainkey.a.example dns_ms=12 ms=41"},
      {"not past it", record_of(sealed_behind({.reason = ForwarderReason::malformed_received})),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org spf=pass spf_helo=none "
       "forwarder=malformed-received dkim=pass dkim_domain=example.org dmarc=pass action=accept "
       "rule=dmarc.pass seal=sealed seal_key=s._domainkey.a.example dns_ms=12 ms=41"},
      {"fields on top of signatures that hold, each once", record_of(with_added_fields()),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org spf=pass spf_helo=none "
       "dkim=fail,pass,pass dkim_domain=-,b.example,c.example added_fields=reply-to,subject "
       "dmarc=pass action=accept rule=dmarc.pass dns_ms=12 ms=41"},
      {"signed for a user, on the way it may break", from_user(fragile()),
       "id=4Xk2 client=- tls=TLSv1.3 user=alice from=example.org sign=signed "
       "keys=2026a._domainkey.example.org,2026b._domainkey.example.org fragile=long-line,8bit "
       "action=accept rule=signing ms=41"},
      {"nothing to sign with", record_of(not_signed(SigningReason::no_key)),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org sign=no-key action=accept "
       "rule=signing ms=41"},
      {"a key that cannot sign", record_of(failed()),
       "id=4Xk2 client=192.0.2.1 tls=TLSv1.3 from=example.org sign=\"signing-failed (2026a)\" "
       "action=tempfail rule=signing ms=41"},
      {"refused at MAIL", refused("4Xk2"),
       "id=4Xk2 client=192.0.2.1 tls=none action=reject rule=network.require_tls reason=\"no TLS, "
       "TLSv1.2 is asked\""},
      {"refused at MAIL, before there is a queue id", refused(""),
       "id=- client=192.0.2.1 tls=none action=reject rule=network.require_tls reason=\"no TLS, "
       "TLSv1.2 is asked\""},
      {"we failed: nothing is said that is not certain", record_of(InternalFailure{}),
       "id=4Xk2 action=tempfail"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(format_text("", message_line(row.record)) == row.line);
  }
}
