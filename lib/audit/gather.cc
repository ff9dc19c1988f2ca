#include <algorithm>
#include <chrono>

#include <authmilter/audit_gather.h>
#include <authmilter/dmarc.h>
#include <authmilter/selector.h>

#include "audit/dmarc_facts.h"
#include "audit/facts_collector.h"
#include "audit/gather_servers.h"
#include "audit/mail_hosts.h"
#include "audit/selector_names.h"
#include "audit/spf_tree.h"
#include "audit/zone_apex.h"
#include "dmarc/tree_walk.h"

namespace authmilter {
namespace {

// All of one domain's questions together, so that name servers that do not answer cost a minute.
// Each question has its own, shorter time limit in the resolver.
constexpr std::chrono::seconds kDnsTime{60};
constexpr std::size_t kMostNamesOfAddress = 4;
// Of the names of keys: how many are asked for side by side, and after how many it is looked
// whether more could be.
constexpr std::size_t kTogether = 40, kTryAgain = 4;

class DomainGatherer {
 public:
  DomainGatherer(const DomainFacts& facts, Resolver& dns)
      : domain_(facts.domain),
        key_names_(key_names(facts)),
        only_tried_(std::all_of(
            facts.selectors.begin(), facts.selectors.end(),
            [](const SelectorFact& one) { return one.origin == SelectorOrigin::usual; })),
        dns_(dns) {}

  void ask_all() {
    start_all();
    walk_spf(domain_, dns_);
    // By now the MX record is there, and room for what had none at first.
    start_mail_hosts();
    start_below();
    const bool silent = is_silent();
    if (!silent) start_keys(0);
    ask_for_dmarc();
    if (!silent) ask_for_keys();
    ask_for_zone(domain_);
    ask_for_mail_hosts();
    for (const DomainName& name : other_names()) ask(name, RrType::txt);
  }

 private:
  DnsAnswerRef ask(const DnsName& name, RrType type) { return dns_.resolve({name, type}); }

  /// Whether nobody answers for the domain. Then nobody will for the names of keys, each of which
  /// would cost the whole time limit of a question.
  bool is_silent() {
    for (const RrType type : {RrType::txt, RrType::mx, RrType::soa}) {
      if (ask(domain_, type)->fault != DnsFault::timeout) return false;
    }
    return true;
  }

  /// The names of keys, of the made-up selector and of what is above them.
  static std::vector<DomainName> key_names(const DomainFacts& facts) {
    const DomainName& domain = facts.domain;
    std::vector<DomainName> names;
    const auto add = [&](const std::optional<DomainName>& name) {
      if (name) names.push_back(*name);
    };
    add(domain.below(kKeysBelow));
    add(domain.below(kMadeUpSelector + std::string(".") + kKeysBelow));
    for (const SelectorFact& one : facts.selectors) add(key_name(one.selector, domain));
    return names;
  }

  std::vector<DomainName> other_names() const {
    std::vector<DomainName> names;
    for (const char* const prefix : {"_mta-sts", "_smtp._tls", "default._bimi"}) {
      if (const auto name = domain_.below(prefix)) names.push_back(*name);
    }
    return names;
  }

  /// Starts what is asked in any case, so that the answers come side by side.
  void start_all() {
    for (const RrType type : {RrType::txt, RrType::mx, RrType::soa, RrType::a, RrType::aaaa})
      dns_.prefetch({domain_, type});
    prefetch_dmarc(domain_, dns_);
    for (const DomainName& name : other_names()) dns_.prefetch({name, RrType::txt});
    // Of a zone of its own, as nearly every domain is.
    for (const RrType type : {RrType::ds, RrType::dnskey}) dns_.prefetch({domain_, type});
    start_keys(0);
  }

  void start_keys(std::size_t first) {
    for (std::size_t i = first; i < std::min(first + kTogether, key_names_.size()); ++i) {
      dns_.prefetch({key_names_[i], RrType::txt});
      if (!only_tried_) dns_.prefetch({key_names_[i], RrType::cname});
    }
  }

  void ask_for_keys() {
    for (std::size_t i = 0; i < key_names_.size(); ++i) {
      // Where there was no room for questions ahead of need, there may be by now.
      if (i % kTryAgain == 0) start_keys(i);
      const DnsAnswerRef texts = ask(key_names_[i], RrType::txt);
      // Most of the usual selectors are not there; what an alias of none leads to is of no
      // interest.
      if (!only_tried_ || texts->status == DnsStatus::success) ask(key_names_[i], RrType::cname);
    }
  }

  void start_mail_hosts() {
    for (const MailHost& host : find_mail_hosts(domain_, dns_).hosts) {
      if (!host.name) continue;
      for (const RrType type : {RrType::cname, RrType::a, RrType::aaaa, RrType::soa})
        dns_.prefetch({*host.name, type});
      if (const auto name = host.name->below(kSmtpTlsa)) dns_.prefetch({*name, RrType::tlsa});
    }
  }

  void start_below() {
    for (const DomainName& name : names_below(domain_, dns_)) {
      if (const auto at = policy_record_name(name)) dns_.prefetch({*at, RrType::txt});
    }
  }

  void ask_for_dmarc() {
    find_dmarc_records(domain_, dns_);
    const DmarcDiscovery found = discover_dmarc(domain_, dns_);
    if (found.record() != nullptr)
      find_report_places(*found.policy_domain(), *found.record(), dns_);
    for (const DomainName& name : names_below(domain_, dns_)) find_dmarc_records(name, dns_);
  }

  void ask_for_zone(const DomainName& name) {
    const ZoneApex zone = find_zone(name, dns_);
    if (!zone.name) return;
    dns_.prefetch({*zone.name, RrType::ds});
    ask(*zone.name, RrType::dnskey);
    ask(*zone.name, RrType::ds);
  }

  void ask_for_mail_hosts() {
    const MailHosts found = find_mail_hosts(domain_, dns_);
    for (const MailHost& host : found.hosts) {
      if (!host.name) continue;
      for (const IpAddress& address : find_addresses(*host.name, dns_).all()) {
        if (const auto reverse = DnsName::parse(address.reverse_name()))
          dns_.prefetch({*reverse, RrType::ptr});
      }
    }
    for (const MailHost& host : found.hosts) {
      if (!host.name) continue;
      ask(*host.name, RrType::cname);
      if (const auto name = host.name->below(kSmtpTlsa)) ask(*name, RrType::tlsa);
      for (const IpAddress& address : find_addresses(*host.name, dns_).all())
        ask_for_names_of(address);
      ask_for_zone(*host.name);
    }
  }

  /// The names of an address, and the addresses of these.
  void ask_for_names_of(const IpAddress& address) {
    const auto reverse = DnsName::parse(address.reverse_name());
    if (!reverse) return;
    std::size_t names = 0;
    for (const PtrRecord& ptr : ask(*reverse, RrType::ptr)->all<PtrRecord>()) {
      if (names++ == kMostNamesOfAddress) return;
      ask(ptr.target, address.is_v4() ? RrType::a : RrType::aaaa);
    }
  }

  const DomainName& domain_;
  const std::vector<DomainName> key_names_;
  const bool only_tried_;  // nobody has named a selector: the usual ones are
  Resolver& dns_;
};

}  // namespace

DomainFacts gather_domain(const DomainName& domain, const GatherOptions& options,
                          Resolver& resolver, const AuditProbes& probes) {
  FactsCollector dns(resolver, std::chrono::steady_clock::now() + kDnsTime);
  DomainFacts facts{domain, {}, options.selectors, options.servers, {}, {}, {}};
  if (facts.selectors.empty()) facts.selectors = usual_selectors();
  DomainGatherer(facts, dns).ask_all();
  if (options.servers) {
    AskedServers asked = ask_servers(domain, options, dns, probes);
    facts.servers = std::move(asked.servers);
    facts.mta_sts_policy = std::move(asked.mta_sts_policy);
    facts.webmail = std::move(asked.webmail);
  }
  facts.dns = dns.take();
  return facts;
}

}  // namespace authmilter
