#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "audit/dmarc_facts.h"
#include "audit/dnssec_pages.h"
#include "audit/mail_hosts.h"
#include "audit/selector_names.h"
#include "audit/verdicts.h"
#include "audit/zone_apex.h"

namespace authmilter {
namespace {

constexpr std::uint32_t kLongestDenial = 3600;  // seconds
constexpr std::uint8_t kSha1Digest = 1;         // RFC 4034 appendix A.2

/// By the numbers of IANA's registry, with the words that name servers' settings have.
constexpr std::pair<unsigned, std::string_view> kAlgorithms[] = {
    {1, "RSAMD5"},
    {3, "DSA"},
    {5, "RSASHA1"},
    {6, "DSA-NSEC3-SHA1"},
    {7, "RSASHA1-NSEC3-SHA1"},
    {8, "RSASHA256"},
    {10, "RSASHA512"},
    {12, "ECC-GOST"},
    {13, "ECDSAP256SHA256"},
    {14, "ECDSAP384SHA384"},
    {15, "ED25519"},
    {16, "ED448"},
};
/// Those that validators know (RFC 8624 section 3.1). A zone with others alone counts as unsigned.
constexpr unsigned kValidated[] = {5, 7, 8, 10, 13, 14, 15, 16};

std::string algorithm_name(unsigned number) {
  for (const auto& [known, name] : kAlgorithms) {
    if (known == number) return std::string(name) + " (" + std::to_string(number) + ")";
  }
  return "algorithm " + std::to_string(number);
}

/// The measure asks for signatures; elsewhere they are good advice.
CheckStatus unsigned_status(const RuleInput& input) {
  return input.profile.prints_measure ? CheckStatus::fail : CheckStatus::warn;
}

/// The zone above says that this one is signed, in a way that can be validated. So an answer that
/// is not secure was not validated.
bool should_be_secure(const DomainName& name, Resolver& dns) {
  const ZoneApex zone = find_zone(name, dns);
  if (!zone.name) return false;
  const auto digests = dns.resolve({*zone.name, RrType::ds})->all<DsRecord>();
  return std::any_of(digests.begin(), digests.end(), [](const DsRecord& ds) {
    return std::find(std::begin(kValidated), std::end(kValidated), ds.algorithm) !=
           std::end(kValidated);
  });
}

/// Whether one answer is signed.
Verdict judge_answer(const RuleInput& input, const DnsQuestion& question, const DnsAnswer& answer,
                     const std::string& subject) {
  const std::string what = told(question);
  if (answer.status == DnsStatus::temperror) {
    if (answer.fault != DnsFault::bogus) return undecided({question, answer.fault}, subject);
    return {CheckStatus::fail, subject, what + ": the signatures are wrong (bogus)",
            "Mend the zone's signatures, or the DS record in the zone above: whoever validates "
            "gets no answer."};
  }
  if (answer.secure) return {CheckStatus::pass, subject, what + " is signed", ""};
  const auto name = DomainName::parse(question.name.text());
  if (name && should_be_secure(*name, input.dns)) {
    return {CheckStatus::unknown, subject,
            what + " was not validated, though the zone above has a DS record",
            "Ask with a resolver that validates, without --no-dnssec."};
  }
  return {unsigned_status(input), subject, what + " is not signed",
          "Sign the zone of " + printable(question.name.text()) +
              " with DNSSEC, and have its DS record published in the zone above."};
}

Verdicts judge_domain_zone(const RuleInput& input) {
  const ZoneApex zone = find_zone(input.facts.domain, input.dns);
  if (zone.soa->status == DnsStatus::temperror) {
    return {judge_answer(input, {input.facts.domain, RrType::soa}, *zone.soa, "")};
  }
  if (!zone.name) return {};
  Verdict verdict = judge_answer(input, {*zone.name, RrType::soa}, *zone.soa, "");
  const auto digests = input.dns.resolve({*zone.name, RrType::ds});
  verdict.evidence = "zone " + zone.name->text() + ", " + verdict.evidence;
  if (digests->status == DnsStatus::no_data || digests->status == DnsStatus::nxdomain)
    verdict.evidence += "; there is no DS record in the zone above";
  for (const DsRecord& ds : digests->all<DsRecord>()) {
    verdict.evidence += "; DS " + std::to_string(ds.key_tag) + " " + algorithm_name(ds.algorithm);
  }
  return {verdict};
}

Verdicts judge_mx(const RuleInput& input) {
  const MailHosts found = find_mail_hosts(input.facts.domain, input.dns);
  if (found.mx->status == DnsStatus::nxdomain) return {};
  return {judge_answer(input, {input.facts.domain, RrType::mx}, *found.mx, "")};
}

Verdicts judge_host(const RuleInput& input) {
  Verdicts verdicts;
  for (const MailHost& host : find_mail_hosts(input.facts.domain, input.dns).hosts) {
    if (!host.name) continue;
    const HostAddresses found = find_addresses(*host.name, input.dns);
    std::optional<Verdict> worst;
    for (const auto& [type, answer] : {std::pair(RrType::a, found.v4), {RrType::aaaa, found.v6}}) {
      if (answer->void_lookup()) continue;
      Verdict one = judge_answer(input, {*host.name, type}, *answer, host.name->text());
      if (!worst || worse(worst->status, one.status) != worst->status) worst = std::move(one);
    }
    if (worst) verdicts.push_back(std::move(*worst));
  }
  return verdicts;
}

/// TLSA records where they would be looked at, if they were signed.
Verdicts judge_tlsa(const RuleInput& input) {
  Verdicts verdicts;
  for (const MailHost& host : find_mail_hosts(input.facts.domain, input.dns).hosts) {
    const auto name = host.name ? host.name->below(kSmtpTlsa) : std::nullopt;
    if (!name) continue;
    const HostAddresses found = find_addresses(*host.name, input.dns);
    const auto is_secure = [](const DnsAnswerRef& answer) {
      return answer->status != DnsStatus::success || answer->secure;
    };
    // RFC 7672 section 2.2.2: beside addresses that are not signed nobody looks at them.
    if (!is_secure(found.v4) || !is_secure(found.v6)) continue;
    const DnsAnswerRef answer = input.dns.resolve({*name, RrType::tlsa});
    if (answer->status != DnsStatus::success) continue;  // dane.exists and dane.answer say it
    verdicts.push_back(judge_answer(input, {*name, RrType::tlsa}, *answer, host.name->text()));
  }
  return verdicts;
}

Verdicts judge_records(const RuleInput& input) {
  Verdicts verdicts;
  const auto add = [&](const DomainName& name, std::string subject, const DnsAnswer& answer) {
    Verdict one = judge_answer(input, {name, RrType::txt}, answer, subject);
    // Point 1.4 is about the way of mail, and not about these.
    if (one.status == CheckStatus::fail) one.status = CheckStatus::warn;
    verdicts.push_back(std::move(one));
  };
  const DnsAnswerRef spf = input.dns.resolve({input.facts.domain, RrType::txt});
  if (spf->status == DnsStatus::success) add(input.facts.domain, "SPF", *spf);
  const DmarcRecords dmarc = find_dmarc_records(input.facts.domain, input.dns);
  if (!dmarc.texts.empty()) {
    if (const auto name = DomainName::parse(dmarc.question.name.text()))
      add(*name, "DMARC", *dmarc.answer);
  }
  for (const SelectorFact& fact : input.facts.selectors) {
    const auto name = key_name(fact.selector, input.facts.domain);
    if (!name) continue;
    const DnsAnswerRef answer = input.dns.resolve({*name, RrType::txt});
    if (answer->status != DnsStatus::success) continue;
    if (!input.dns.resolve({*name, RrType::cname})->records.empty() && !answer->secure) {
      verdicts.push_back({CheckStatus::info, "DKIM " + printable(fact.selector),
                          "an alias that leads into a zone without signatures", ""});
      continue;
    }
    add(*name, "DKIM " + printable(fact.selector), *answer);
  }
  return verdicts;
}

/// The zones of the domain and of its mail hosts, each once.
std::vector<DomainName> zones_of(const RuleInput& input) {
  std::vector<DomainName> zones;
  const auto add = [&](const DomainName& name) {
    const ZoneApex zone = find_zone(name, input.dns);
    if (zone.name && std::find(zones.begin(), zones.end(), *zone.name) == zones.end())
      zones.push_back(*zone.name);
  };
  add(input.facts.domain);
  for (const MailHost& host : find_mail_hosts(input.facts.domain, input.dns).hosts) {
    if (host.name) add(*host.name);
  }
  return zones;
}

Verdicts judge_algorithm(const RuleInput& input) {
  Verdicts verdicts;
  for (const DomainName& zone : zones_of(input)) {
    const auto keys = input.dns.resolve({zone, RrType::dnskey})->all<DnskeyRecord>();
    const auto digests = input.dns.resolve({zone, RrType::ds})->all<DsRecord>();
    if (keys.empty() || digests.empty()) continue;  // not signed: others say it
    std::vector<unsigned> numbers;
    for (const DnskeyRecord& key : keys) {
      if (std::find(numbers.begin(), numbers.end(), key.algorithm) == numbers.end())
        numbers.push_back(key.algorithm);
    }
    std::string listed;
    bool weak = false;
    const auto& refused = input.profile.weak_dnssec_algorithms;
    for (const unsigned number : numbers) {
      listed += (listed.empty() ? "" : ", ") + algorithm_name(number);
      weak = weak || std::find(refused.begin(), refused.end(), number) != refused.end();
    }
    const bool sha1_digest = std::all_of(digests.begin(), digests.end(), [](const DsRecord& ds) {
      return ds.digest_type == kSha1Digest;
    });
    if (weak) {
      verdicts.push_back({CheckStatus::fail, zone.text(), "keys of " + listed,
                          "Sign the zone " + zone.text() + " with ECDSAP256SHA256 (13)."});
    } else if (sha1_digest) {
      verdicts.push_back({CheckStatus::warn, zone.text(),
                          "keys of " + listed + ", but the DS record's digest is SHA-1",
                          "Have a DS record of " + zone.text() +
                              " with SHA-256 (digest type 2) published in the zone above."});
    } else {
      verdicts.push_back({CheckStatus::pass, zone.text(), "keys of " + listed, ""});
    }
  }
  return verdicts;
}

Verdicts judge_negative_ttl(const RuleInput& input) {
  const ZoneApex zone = find_zone(input.facts.domain, input.dns);
  if (!zone.name) return {};
  const auto soa = zone.soa->all<SoaRecord>();
  if (soa.empty()) return {};
  const std::string evidence = "SOA minimum of " + zone.name->text() + ": " +
                               std::to_string(soa.front().minimum) + " seconds";
  if (soa.front().minimum <= kLongestDenial) return passes(evidence);
  return one_verdict(CheckStatus::warn, evidence,
                     "Set the last number of the SOA record of " + zone.name->text() +
                         " to 3600 or less, so that new records are seen within an hour.");
}

constexpr AuditRule kRules[] = {
    {"dnssec.domain", "The domain is signed", "SOA and DS records of the domain's zone",
     "RFC 4035 section 2", "", kDnssecDomainPage, judge_domain_zone},
    {"dnssec.mx", "The MX records are signed", "MX records of the domain", "RFC 4035 section 2",
     "1.4", kDnssecMxPage, judge_mx},
    {"dnssec.host", "Addresses of mail hosts are signed", "A and AAAA records of each mail host",
     "RFC 7672 section 2.2.2", "1.4", kDnssecHostPage, judge_host},
    {"dnssec.tlsa", "TLSA records are signed", "TLSA records of each mail host",
     "RFC 7672 section 2.2", "1.6", kDnssecTlsaPage, judge_tlsa},
    {"dnssec.records", "SPF, DKIM and DMARC records are signed", "TXT records of all three",
     "RFC 7208 section 11.3", "", kDnssecRecordsPage, judge_records},
    {"dnssec.algorithm", "Zones are signed by good algorithms",
     "DNSKEY and DS records of the zones of the domain and of mail hosts", "RFC 8624 section 3.1",
     "1.4", kDnssecAlgorithmPage, judge_algorithm},
    {"dnssec.negative_ttl", "New records are soon seen", "the SOA minimum of the domain's zone",
     "RFC 2308 section 4", "", kDnssecNegativeTtlPage, judge_negative_ttl},
};

}  // namespace

std::span<const AuditRule> dnssec_rules() { return kRules; }

}  // namespace authmilter
