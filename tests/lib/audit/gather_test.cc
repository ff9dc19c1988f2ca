#include <authmilter/audit_gather.h>

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "lib/audit/good_zone.h"
#include "lib/audit/judged_zone.h"
#include "support/scripted_resolver.h"

using namespace authmilter;

namespace {

DomainName name(const char* text) { return DomainName::parse(text).value(); }

/// Answers from facts, and writes down what they do not have.
class StrictResolver final : public Resolver {
 public:
  explicit StrictResolver(const DnsFacts& facts) : facts_(facts) {}
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override {
    if (facts_.known(question) == nullptr)
      missing.insert(std::string(to_string(question.type)) + " " + question.name.text());
    return facts_.resolve(question, deadline, freshness);
  }
  using Resolver::resolve;
  void prefetch(const DnsQuestion&) override {}
  std::set<std::string> missing;

 private:
  FactsResolver facts_;
};

/// What rules ask that was not asked.
std::set<std::string> unasked(const DomainFacts& facts) {
  StrictResolver dns(facts.dns);
  const AuditProfile profile;
  const RuleInput input{facts, dns, nullptr, profile, 0};
  for (const AuditRule* rule : audit_rules()) rule->judge(input);
  return dns.missing;
}

/// Servers and pages that answer, and who was asked.
struct Asked {
  std::mutex mutex;
  std::set<std::string> what;
  std::size_t now = 0, most = 0;

  AuditProbes probes() {
    return {[this](ServerProtocol protocol, const std::string& host, const IpAddress& address,
                   std::uint16_t port) {
              note(host + " " + address.text() + " " + std::to_string(port));
              ServerFacts facts;
              facts.protocol = protocol;
              facts.host = host;
              facts.address = address;
              facts.port = port;
              facts.connected = true;
              return facts;
            },
            [this](const std::string& url) {
              note(url);
              FetchFacts facts;
              facts.url = url;
              return facts;
            }};
  }
  void note(const std::string& one) {
    {
      const std::lock_guard lock(mutex);
      what.insert(one);
      most = std::max(most, ++now);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const std::lock_guard lock(mutex);
    --now;
  }
};

}  // namespace

TEST_CASE("what a rule asks has been asked") {
  const struct {
    const char* why;
    const char* domain;
    std::string zone;
  } rows[] = {
      {"the good domain", "example.org", kGoodZone},
      {"a domain without mail", "parked.example", kParkedZone},
      {"a name below", "sub.example.org", edited(kGoodZone, "", "sub MX 10 mx1")},
      {"nothing there", "gone.example.org", kGoodZone},
      {"reports to a stranger", "example.org",
       edited(kGoodZone, "_dmarc TXT",
              "_dmarc TXT \"v=DMARC1; p=none; rua=mailto:a@x.example,mailto:b@c.y.example\"")},
      {"an alias as mail host", "example.org",
       edited(kGoodZone, "@ MX 10", "@ MX 10 mail\nmail CNAME mx1")},
      {"keys that are aliases", "example.org",
       edited(kGoodZone, "s1._domainkey", "s1._domainkey CNAME s1.provider.example.")},
      {"a long SPF record", "example.org",
       edited(
           kGoodZone, "@ TXT",
           "@ TXT \"v=spf1 a mx:m.example include:i.example exists:e.example "
           "redirect=r.example\"\ni.example. TXT \"v=spf1 a:x.example include:j.example -all\"")},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    SigningResolver resolver(make_test_resolver(row.zone));
    CHECK(unasked(facts_of(resolver, dns_alone(), row.domain)) == std::set<std::string>());
    CHECK(unasked(facts_of(resolver, dns_alone({}), row.domain)) == std::set<std::string>());
  }
}

TEST_CASE("each question is asked once, and what is published bounds them") {
  ScriptedResolver resolver(kGoodZone);
  facts_of(resolver);
  std::set<DnsQuestion> asked;
  for (const auto& one : resolver.asked()) {
    CAPTURE(one.question.name.text());
    CHECK(asked.insert(one.question).second);
  }
  // A zone in which everything leads on to more: a hundred mail hosts, with names for each address.
  std::string zone = "*.example.org. A 192.0.2.1\n*.in-addr.arpa. PTR a.example.org.\n";
  for (int i = 0; i < 100; ++i)
    zone += "example.org. MX 10 h" + std::to_string(i) + ".example.org.\n";
  zone += "example.org. TXT \"v=spf1 include:i.example.org -all\"\n";
  zone +=
      "*.example.org. TXT \"v=spf1 include:i1.example.org include:i2.example.org "
      "include:i3.example.org a:b.example.org -all\"\n";
  ScriptedResolver large(zone);
  facts_of(large, dns_alone({}));
  CHECK(large.asked().size() < 500);
}

TEST_CASE("a selector that nobody has is asked for, and usual ones where none is given") {
  ScriptedResolver resolver(kGoodZone);
  const DomainFacts facts = facts_of(resolver, dns_alone({}));
  const auto asked = [&](const char* text) {
    return facts.dns.contains({name(text), RrType::txt});
  };
  CHECK(asked("authmilter-wildcard-test._domainkey.example.org"));
  CHECK(asked("_domainkey.example.org"));
  CHECK(asked("selector1._domainkey.example.org"));
  CHECK(facts.selectors.size() == usual_selectors().size());
  CHECK(facts.selectors.front().origin == SelectorOrigin::usual);
}

TEST_CASE("mail hosts are asked at each address, devices' hosts at each port") {
  SigningResolver resolver(make_test_resolver(kGoodZone));
  GatherOptions options = dns_alone();
  options.servers = true;
  options.client_hosts = {"MX1.example.org", "gone.example.org"};
  options.webmail = {"https://mail.example.org:8443/x", "http://old.example.org/"};
  Asked asked;
  const DomainFacts facts = gather_domain(name("example.org"), options, resolver, asked.probes());
  CHECK(facts.servers_asked);
  CHECK(asked.what == std::set<std::string>{"mx1.example.org 192.0.2.1 25",
                                            "mx1.example.org 2001:db8::1 25",
                                            "mx2.example.org 192.0.2.2 25",
                                            "mx2.example.org 2001:db8::2 25",
                                            "mx1.example.org 192.0.2.1 465",
                                            "mx1.example.org 2001:db8::1 465",
                                            "mx1.example.org 192.0.2.1 993",
                                            "mx1.example.org 2001:db8::1 993",
                                            "mx1.example.org 192.0.2.1 995",
                                            "mx1.example.org 2001:db8::1 995",
                                            "mx1.example.org 192.0.2.1 587",
                                            "mx1.example.org 2001:db8::1 587",
                                            "mx1.example.org 192.0.2.1 143",
                                            "mx1.example.org 2001:db8::1 143",
                                            "mx1.example.org 192.0.2.1 110",
                                            "mx1.example.org 2001:db8::1 110",
                                            "https://mta-sts.example.org/.well-known/mta-sts.txt",
                                            "http://mail.example.org/x",
                                            "https://mail.example.org:8443/x",
                                            "http://old.example.org/"});
  // Facts are in the order of what was asked, not of the answers.
  REQUIRE(facts.servers.size() == 4 + 14 + 7);
  CHECK(facts.servers.front().host == "mx1.example.org");
  CHECK(facts.servers.front().protocol == ServerProtocol::smtp);
  // For a device port 25 is another place to log in, and not the way of mail between servers.
  CHECK(facts.servers[17].protocol == ServerProtocol::submission);
  CHECK(facts.servers[17].port == 25);
  CHECK(facts.servers.back().host == "gone.example.org");
  CHECK(facts.servers.back().trouble == "the host has no address");
  REQUIRE(facts.mta_sts_policy);
  CHECK(facts.webmail.size() == 3);
  CHECK(asked.most > 1);
  CHECK(asked.most <= 8);
}

TEST_CASE("a detour takes the place of a host's addresses") {
  SigningResolver resolver(make_test_resolver(edited(kGoodZone, "_mta-sts", "")));
  GatherOptions options = dns_alone();
  options.servers = true;
  options.client_hosts = {"imap.example.org"};
  options.detours = {{"mx1.example.org", IpAddress::parse("127.0.0.1").value(), 2525},
                     {"imap.example.org", IpAddress::parse("127.0.0.2").value(), 0}};
  Asked asked;
  const DomainFacts facts = gather_domain(name("example.org"), options, resolver, asked.probes());
  CHECK(asked.what.contains("mx1.example.org 127.0.0.1 2525"));
  CHECK_FALSE(asked.what.contains("mx1.example.org 192.0.2.1 25"));
  CHECK(asked.what.contains("mx2.example.org 192.0.2.2 25"));
  CHECK(asked.what.contains("imap.example.org 127.0.0.2 993"));
  CHECK_FALSE(facts.mta_sts_policy);
}

TEST_CASE("servers are bounded in number") {
  std::string zone;
  for (int i = 0; i < 30; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example.org.";
    zone += "example.org. MX 10 " + host + "\n";
    for (int address = 1; address < 20; ++address)
      zone += host + " A 192.0.2." + std::to_string(address) + "\n";
  }
  const auto resolver = make_test_resolver(zone);
  GatherOptions options = dns_alone();
  options.servers = true;
  Asked asked;
  const DomainFacts facts = gather_domain(name("example.org"), options, *resolver, asked.probes());
  CHECK(facts.servers.size() == 64);
  CHECK(asked.most <= 8);
}

TEST_CASE("without servers nobody but the DNS is asked") {
  SigningResolver resolver(make_test_resolver(kGoodZone));
  const DomainFacts facts = facts_of(resolver);  // whose probes throw
  CHECK_FALSE(facts.servers_asked);
  CHECK(facts.servers.empty());
  CHECK_FALSE(facts.mta_sts_policy);
}
