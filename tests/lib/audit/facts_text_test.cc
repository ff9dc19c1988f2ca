#include <authmilter/audit_facts.h>

#include <doctest/doctest.h>

#include <limits>

#include "lib/audit/good_zone.h"
#include "lib/audit/judged_zone.h"

using namespace authmilter;

namespace {

DomainName name(const char* text) { return DomainName::parse(text).value(); }

bool same(const DnsFacts& one, const DnsFacts& other) {
  return std::equal(
      one.begin(), one.end(), other.begin(), other.end(), [](const auto& a, const auto& b) {
        return a.first == b.first && a.second.status == b.second.status &&
               a.second.fault == b.second.fault && a.second.secure == b.second.secure &&
               a.second.ttl == b.second.ttl && a.second.records == b.second.records;
      });
}

/// A record of each type, one of them with octets that are no text.
DnsAnswer every_record() {
  DnsAnswer answer;
  answer.status = DnsStatus::success;
  answer.secure = true;
  answer.ttl = std::chrono::seconds(86400);
  const IpAddress v4 = IpAddress::parse("192.0.2.1").value();
  const DnsName host = name("mx.example.org");
  answer.records = {ARecord{v4},
                    AaaaRecord{IpAddress::parse("2001:db8::1").value()},
                    AaaaRecord{v4},  // an IPv4-mapped address
                    MxRecord{0, DnsName()},
                    MxRecord{65535, host},
                    PtrRecord{DnsName::parse("odd \xff label.example").value()},
                    CnameRecord{host},
                    NsRecord{host},
                    TxtRecord{"v=spf1 \"quoted\" \\ -all"},
                    TxtRecord{std::string("\0\x01\xff\n", 4)},
                    SoaRecord{host, 1, 2, 3, 4, std::numeric_limits<std::uint32_t>::max()},
                    SrvRecord{1, 2, 3, host},
                    DsRecord{12345, 13, 2, {0, 255, 7}},
                    DnskeyRecord{257, 3, 13, {1, 2, 3}},
                    TlsaRecord{3, 1, 1, {0xab, 0xcd}},
                    CaaRecord{128, "issue", "ca.example"}};
  return answer;
}

DomainFacts full_facts() {
  DomainFacts facts{name("example.org"), {}, {}, true, {}, {}, {}};
  facts.dns[{name("example.org"), RrType::txt}] = every_record();
  facts.dns[{DnsName(), RrType::soa}] = DnsAnswer::failed(DnsFault::bogus);
  DnsAnswer none;
  none.status = DnsStatus::nxdomain;
  facts.dns[{name("gone.example.org"), RrType::tlsa}] = none;
  facts.selectors = {{"2026a", SelectorOrigin::configured, "v=DKIM1; p=AAAA"},
                     {"s1.west", SelectorOrigin::usual, ""}};
  ServerFacts server;
  server.protocol = ServerProtocol::pop3s;
  server.host = "mx.example.org";
  server.address = IpAddress::parse("2001:db8::1");
  server.port = 995;
  server.connected = true;
  server.trouble = "gone";
  server.greeting = "220 \xc3\xa9";
  server.starttls = true;
  server.plain_logins = {"PLAIN", "LOGIN"};
  server.versions = {{TlsVersion::ssl_3, OfferState::not_probed, "", "", "cannot"},
                     {TlsVersion::tls_1_3, OfferState::offered, "TLS_AES_256", "X25519", ""}};
  server.weak_ciphers = {{CipherKind::rc4, OfferState::unanswered, ""}};
  server.needs_small_hello = true;
  server.chain = {std::string("\x30\x82\x00\xff", 4), ""};
  server.trust = ChainTrust::untrusted;
  server.trust_detail = "self-signed";
  server.ocsp_stapled = true;
  facts.servers = {server, ServerFacts{}};
  FetchFacts fetched;
  fetched.url = "https://mta-sts.example.org/.well-known/mta-sts.txt";
  fetched.status = 200;
  fetched.trouble = "x";
  fetched.certificate_good = false;
  fetched.content_type = "text/plain";
  fetched.location = "https://example.org/";
  fetched.strict_transport_security = {"max-age=1"};
  fetched.body = "version: STSv1\r\nmode: enforce\r\n";
  facts.mta_sts_policy = fetched;
  facts.webmail = {fetched, FetchFacts{}};
  return facts;
}

}  // namespace

TEST_CASE("a line of facts is read as what was written") {
  const DomainFacts facts = full_facts();
  const std::string line = facts_line(facts);
  CHECK(line.find('\n') == std::string::npos);
  const auto read = parse_facts_line(line);
  REQUIRE(read);
  CHECK(read->domain == facts.domain);
  CHECK(same(read->dns, facts.dns));
  CHECK(read->selectors == facts.selectors);
  CHECK(read->servers_asked);
  CHECK(read->servers == facts.servers);
  CHECK(read->mta_sts_policy == facts.mta_sts_policy);
  CHECK(read->webmail == facts.webmail);
  CHECK(facts_line(*read) == line);
}

TEST_CASE("the line that begins a file is read as what was written") {
  AuditHeader header{"authmilter 1.0", 1764374400, "127.0.0.1@53", "OpenSSL 3.0.22", HostFacts{}};
  header.host->name = "mx.example.org";
  header.host->postfix = {{"smtpd_tls_protocols", ">=TLSv1.2"}, {"x", "a\nb"}};
  header.host->postfix_services = {"smtp inet n - y - - smtpd"};
  header.host->signed_name_fault = DnsFault::none;
  header.host->bogus_name_fault = DnsFault::bogus;
  header.host->signed_name_secure = true;
  header.host->authmilter = {{"policy.spf_fail", "tag"}};
  const std::string line = facts_line(header);
  const auto read = parse_header_line(line);
  REQUIRE(read);
  CHECK(read->program == header.program);
  CHECK(read->time == header.time);
  REQUIRE(read->host);
  CHECK(read->host->postfix == header.host->postfix);
  CHECK(read->host->bogus_name_fault == DnsFault::bogus);
  CHECK(facts_line(*read) == line);
  header.host.reset();
  CHECK_FALSE(parse_header_line(facts_line(header))->host);
}

TEST_CASE("what was gathered can be judged again from its line") {
  SigningResolver resolver(make_test_resolver(kGoodZone));
  const DomainFacts facts = facts_of(resolver);
  const auto read = parse_facts_line(facts_line(facts));
  REQUIRE(read);
  const DomainAudit first = judge_domain(facts, AuditHeader{}, AuditProfile{});
  const DomainAudit again = judge_domain(*read, AuditHeader{}, AuditProfile{});
  REQUIRE(first.checks.size() == again.checks.size());
  for (std::size_t i = 0; i < first.checks.size(); ++i) {
    CHECK(first.checks[i].status == again.checks[i].status);
    CHECK(first.checks[i].evidence() == again.checks[i].evidence());
  }
}

TEST_CASE("what is not a line of facts is refused with the reason") {
  const std::string line = facts_line(full_facts());
  const auto with = [&](const std::string& old, const std::string& now) {
    std::string text = line;
    const std::size_t at = text.find(old);
    REQUIRE(at != std::string::npos);
    return text.replace(at, old.size(), now);
  };
  const struct {
    const char* why;
    std::string line;
    const char* error;
  } rows[] = {
      {"nothing", "", "is not JSON"},
      {"half a line, as of a program that was stopped", line.substr(0, line.size() / 2),
       "is not JSON"},
      {"deep", std::string(100000, '['), "is not JSON of its depth"},
      {"a number", "1", "is not an object"},
      {"a header", facts_line(AuditHeader{}), "\"domain\" that is missing"},
      {"a member is missing", with("\"servers_asked\":true", "\"servers_aske\":true"),
       "\"servers_asked\" that is missing"},
      {"a domain that is none", with("\"domain\":\"example.org\"", "\"domain\":\"exa mple.org\""),
       "\"domain\" that is not a domain name"},
      {"a word that nobody knows", with("\"pop3s\"", "\"pop4s\""), "is not one of the words"},
      {"a port that is none", with("\"port\":995", "\"port\":65536"), "not a number in its range"},
      {"a negative one", with("\"port\":995", "\"port\":-1"), "not a number in its range"},
      {"a type of records that nobody knows", with("[\"CAA\"", "[\"CAB\""),
       "not a type of records"},
      {"a record without its last field", with("\"issue\",\"ca.example\"", "\"issue\""),
       "is not a record of its type"},
      {"a record with one too many", with("\"issue\",", "\"issue\",\"\","),
       "is not a record of its type"},
      {"a name of another family", with("[\"A\",\"192.0.2.1\"]", "[\"A\",\"2001:db8::1\"]"),
       "is not a record of its type"},
      {"octets that are not base64", with("\"q80=\"", "\"q80\""), "is not a record of its type"},
      {"a time to live that is none", with("\"ttl\":86400", "\"ttl\":-1"),
       "\"ttl\" out of its range"},
      {"a fraction", with("\"ttl\":86400", "\"ttl\":1.5"), "not a number in its range"},
      {"a question twice",
       with("\"gone.example.org\",\"status\":\"nxdomain\",\"type\":\"TLSA\"",
            "\"example.org\",\"status\":\"nxdomain\",\"type\":\"TXT\""),
       "asks what another asks"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto read = parse_facts_line(row.line);
    REQUIRE_FALSE(read);
    CHECK(read.error().message.starts_with("not a line of facts: it "));
    CAPTURE(read.error().message);
    CHECK(read.error().message.find(row.error) != std::string::npos);
  }
  CHECK(parse_header_line(line).error().message ==
        "not a line that begins a file of facts: it says not so");
  CHECK(parse_header_line("{\"audit\":2}").error().message ==
        "not a line that begins a file of facts: it is of another version of the form");
}
