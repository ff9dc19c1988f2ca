#include <doctest/doctest.h>

#include "judged_servers.h"

using namespace authmilter;
using namespace authmilter::servers;
using made::tlsa;

namespace {

DnsQuestion question(const char* name, RrType type) { return {DnsName::parse(name).value(), type}; }

const DnsQuestion kMx = question("example.org", RrType::mx);
const DnsQuestion kA = question("mx.example.org", RrType::a);
const DnsQuestion kAaaa = question("mx.example.org", RrType::aaaa);
const DnsQuestion kTlsa = question("_25._tcp.mx.example.org", RrType::tlsa);

DnsAnswer signed_answer(std::vector<DnsRecord> records) {
  DnsAnswer answer;
  answer.status = DnsStatus::success;
  answer.secure = true;
  answer.records = std::move(records);
  return answer;
}
DnsAnswer no_data() {
  DnsAnswer answer;
  answer.status = DnsStatus::no_data;
  answer.secure = true;
  return answer;
}

TlsaRecord spoilt(TlsaRecord record) {
  record.data.front() ^= 1U;
  return record;
}

/// One mail host, signed in all parts, whose record fits.
DomainFacts good_domain() {
  DomainFacts facts = domain_with({good()});
  facts.dns[kMx] = signed_answer({MxRecord{10, DnsName::parse("mx.example.org").value()}});
  facts.dns[kA] = signed_answer({ARecord{IpAddress::parse("192.0.2.1").value()}});
  facts.dns[kAaaa] = no_data();
  facts.dns[kTlsa] = signed_answer({tlsa(3, 1, 1, good_chain().server.get())});
  return facts;
}

void publish(DomainFacts& facts, std::vector<TlsaRecord> records) {
  facts.dns[kTlsa] = signed_answer({records.begin(), records.end()});
}

}  // namespace

TEST_CASE("DANE as senders apply it (RFC 7672)") {
  const X509* server = good_chain().server.get();
  const X509* issuer = good_chain().issuer.get();
  const X509* root = good_chain().root.get();
  const struct {
    const char* why;
    std::function<void(DomainFacts&)> change;
    const char* complaints;
  } rows[] = {
      {"good", [](DomainFacts&) {}, ""},
      {"no record", [](DomainFacts& f) { f.dns[kTlsa] = no_data(); }, "dane.exists=warn"},
      {"the name does not exist", [](DomainFacts& f) { f.dns[kTlsa].status = DnsStatus::nxdomain; },
       "dane.exists=warn"},
      {"the record is not signed", [](DomainFacts& f) { f.dns[kTlsa].secure = false; },
       "dane.exists=warn"},
      {"the MX set is not signed: DANE is applied all the same",
       [&](DomainFacts& f) {
         f.dns[kMx].secure = false;
         publish(f, {spoilt(tlsa(3, 1, 1, server))});
       },
       "dane.match=fail"},
      {"the host's address is not signed: nobody looks at TLSA",
       [&](DomainFacts& f) {
         f.dns[kA].secure = false;
         publish(f, {spoilt(tlsa(3, 1, 1, server))});
       },
       "dane.exists=warn"},
      {"one of two addresses is not",
       [](DomainFacts& f) {
         f.dns[kAaaa] = signed_answer({AaaaRecord{IpAddress::parse("2001:db8::1").value()}});
         f.dns[kAaaa].secure = false;
       },
       "dane.exists=warn"},
      {"and then a failing answer hurts nobody",
       [](DomainFacts& f) {
         f.dns[kA].secure = false;
         f.dns[kTlsa] = DnsAnswer::failed(DnsFault::bogus);
       },
       "dane.exists=warn"},
      {"a bogus answer defers mail: it is not \"no DANE\"",
       [](DomainFacts& f) { f.dns[kTlsa] = DnsAnswer::failed(DnsFault::bogus); },
       "dane.answer=fail"},
      {"so does SERVFAIL",
       [](DomainFacts& f) { f.dns[kTlsa] = DnsAnswer::failed(DnsFault::servfail); },
       "dane.answer=fail"},
      {"and a name server that drops the question",
       [](DomainFacts& f) { f.dns[kTlsa] = DnsAnswer::failed(DnsFault::timeout); },
       "dane.answer=fail"},
      {"a question that we did not ask", [](DomainFacts& f) { f.dns.erase(kTlsa); },
       "dane.answer=unknown"},
      {"addresses that nobody knows",
       [](DomainFacts& f) { f.dns[kA] = DnsAnswer::failed(DnsFault::servfail); },
       "dane.exists=unknown"},
      {"usage 1 alone", [&](DomainFacts& f) { publish(f, {tlsa(1, 1, 1, server)}); },
       "dane.usage=fail"},
      {"usage 1 beside usage 3",
       [&](DomainFacts& f) {
         publish(f, {tlsa(1, 1, 1, server), tlsa(3, 1, 1, server)});
       },
       "dane.usage=warn"},
      {"another key", [&](DomainFacts& f) { publish(f, {spoilt(tlsa(3, 1, 1, server))}); },
       "dane.match=fail"},
      {"a right 3 1 1 beside a stale 3 1 2 stops mail",
       [&](DomainFacts& f) {
         publish(f, {tlsa(3, 1, 1, server), spoilt(tlsa(3, 1, 2, server))});
       },
       "dane.match=fail"},
      {"a wrong 3 1 1 beside a right 3 1 2",
       [&](DomainFacts& f) {
         publish(f, {spoilt(tlsa(3, 1, 1, server)), tlsa(3, 1, 2, server)});
       },
       ""},
      {"the issuer", [&](DomainFacts& f) { publish(f, {tlsa(2, 1, 1, issuer)}); }, ""},
      {"an issuer that is not sent", [&](DomainFacts& f) { publish(f, {tlsa(2, 1, 1, root)}); },
       "dane.match=fail"},
      {"the next key's record stands already",
       [&](DomainFacts& f) {
         publish(f, {tlsa(3, 1, 1, server), spoilt(tlsa(3, 1, 1, server))});
       },
       ""},
      {"one of two addresses serves another certificate",
       [](DomainFacts& f) {
         ServerFacts other = good();
         other.address = IpAddress::parse("192.0.2.2");
         other.chain = made::Chain().served();
         f.servers.push_back(other);
       },
       "dane.match=fail"},
      {"usage 3: an untrusted certificate will do",
       [](DomainFacts& f) { f.servers[0].trust = ChainTrust::untrusted; }, ""},
      {"a host without addresses is mx.address's", [](DomainFacts& f) { f.dns[kA] = no_data(); },
       ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DomainFacts facts = good_domain();
    row.change(facts);
    CHECK(complaints(facts, dane_rules()) == row.complaints);
  }
}

TEST_CASE("the measure asks for TLSA records (point 1.6)") {
  AuditProfile measure = profile();
  measure.prints_measure = true;
  DomainFacts facts = good_domain();
  facts.dns[kTlsa] = no_data();
  CHECK(complaints(facts, dane_rules(), measure) == "dane.exists=fail");
}

TEST_CASE("remedies say which of the failures it is") {
  const X509* server = good_chain().server.get();
  const struct {
    const char* why;
    std::vector<TlsaRecord> records;
    const char* word;
  } rows[] = {
      {"stale", {tlsa(3, 1, 1, server), spoilt(tlsa(3, 1, 2, server))}, "Remove the stale record"},
      {"another's", {spoilt(tlsa(3, 1, 1, server))}, "_25._tcp.mx.example.org. TLSA 3 1 1"},
      {"not sent", {tlsa(2, 1, 1, good_chain().root.get())}, "has to send the certificate"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    DomainFacts facts = good_domain();
    publish(facts, row.records);
    const auto verdicts = verdicts_of(facts, "dane.match");
    REQUIRE(verdicts.size() == 1);
    CHECK(verdicts[0].remedy.find(row.word) != std::string::npos);
  }
}

TEST_CASE("one record alone is information, two are room for the next key") {
  DomainFacts facts = good_domain();
  CHECK(verdicts_of(facts, "dane.rollover")[0].status == CheckStatus::info);
  const X509* server = good_chain().server.get();
  publish(facts, {tlsa(3, 1, 1, server), spoilt(tlsa(3, 1, 1, server))});
  CHECK(verdicts_of(facts, "dane.rollover")[0].status == CheckStatus::pass);
  publish(facts, {tlsa(3, 1, 1, server), tlsa(3, 1, 2, server)});
  CHECK(verdicts_of(facts, "dane.rollover")[0].status == CheckStatus::info);
}
