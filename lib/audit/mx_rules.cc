#include <algorithm>
#include <optional>

#include "audit/mail_hosts.h"
#include "audit/mx_pages.h"
#include "audit/spf_tree.h"
#include "audit/verdicts.h"

namespace authmilter {
namespace {

/// Addresses that are somebody else's everywhere (RFC 6890). Those for benchmarks and for
/// documentation count as others do: laboratories have them, and mail hosts never.
bool is_local(const IpAddress& address) {
  static const std::vector<Network> networks = [] {
    std::vector<Network> parsed;
    for (const char* const text :
         {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
          "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3", "::/128", "::1/128", "fc00::/7",
          "fe80::/10", "ff00::/8"})
      parsed.push_back(Network::parse(text).value());
    return parsed;
  }();
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Network& network) { return network.contains(address); });
}

std::string listed(const MailHosts& found) {
  std::string text;
  for (const MailHost& host : found.hosts) {
    text += (text.empty() ? "" : ", ") + std::to_string(host.preference) + " " +
            printable(host.exchange.text());
  }
  if (found.left_out != 0)
    text += ", and " + std::to_string(found.left_out) + " that are not tried";
  return text;
}

Verdicts judge_exists(const RuleInput& input) {
  const DomainName& domain = input.facts.domain;
  const MailHosts found = find_mail_hosts(domain, input.dns);
  if (found.mx->status == DnsStatus::temperror)
    return {undecided({{domain, RrType::mx}, found.mx->fault})};
  if (found.mx->status == DnsStatus::nxdomain) {
    return one_verdict(CheckStatus::fail, "the domain does not exist",
                       "Register the domain, or correct its name.");
  }
  if (found.null_mx && found.hosts.empty())
    return one_verdict(CheckStatus::pass, "a null MX record: the domain takes no mail", "");
  if (found.implicit) {
    return one_verdict(CheckStatus::warn,
                       "no MX record: senders try the address of " + domain.text() + " itself",
                       "Publish an MX record, or \"MX 0 .\" if the domain takes no mail.");
  }
  if (!found.hosts.empty()) return passes(listed(found));
  if (walk_spf(domain, input.dns).permits_nobody()) {
    return one_verdict(CheckStatus::info, "no MX record, and the domain says that it sends no mail",
                       "Publish \"MX 0 .\", so that senders give up at once.");
  }
  return one_verdict(CheckStatus::fail, "there is no MX record, and no address: bounces are lost",
                     "Publish an MX record with a host that takes mail, or \"MX 0 .\" if the "
                     "domain takes none.");
}

Verdicts judge_null(const RuleInput& input) {
  const MailHosts found = find_mail_hosts(input.facts.domain, input.dns);
  if (!found.null_mx) return {};
  if (found.hosts.empty()) return passes("MX 0 . alone");
  return one_verdict(CheckStatus::fail, "a null MX record beside " + listed(found),
                     "Remove the null MX record, or all others.");
}

Verdicts judge_cname(const RuleInput& input) {
  Verdicts verdicts;
  for (const MailHost& host : find_mail_hosts(input.facts.domain, input.dns).hosts) {
    const std::string subject = printable(host.exchange.text());
    if (!host.name) continue;  // mx.address says that it has none
    const DnsQuestion question{*host.name, RrType::cname};
    const DnsAnswerRef answer = input.dns.resolve(question);
    if (answer->status == DnsStatus::temperror) {
      verdicts.push_back(undecided({question, answer->fault}, subject));
    } else if (const auto aliases = answer->all<CnameRecord>(); !aliases.empty()) {
      const std::string target = printable(aliases.front().target.text());
      verdicts.push_back({CheckStatus::fail, subject, "an alias (CNAME) of " + target,
                          "Name " + target + " in the MX record instead of " + subject + "."});
    } else {
      verdicts.push_back({CheckStatus::pass, subject, "not an alias", ""});
    }
  }
  return verdicts;
}

/// A mail server answered there: a network behind its own view of the DNS looks like that.
bool was_reached(const IpAddress& address, const DomainFacts& facts) {
  return std::any_of(facts.servers.begin(), facts.servers.end(), [&](const ServerFacts& server) {
    return server.protocol == ServerProtocol::smtp && server.connected && server.address == address;
  });
}

Verdict judge_addresses(const DomainName& host, const RuleInput& input) {
  Resolver& dns = input.dns;
  const HostAddresses found = find_addresses(host, dns);
  const auto addresses = found.all();
  const std::string& subject = host.text();
  if (addresses.empty()) {
    for (const auto& [type, answer] : {std::pair(RrType::a, found.v4), {RrType::aaaa, found.v6}}) {
      if (answer->status == DnsStatus::temperror)
        return undecided({{host, type}, answer->fault}, subject);
    }
    return {CheckStatus::fail, subject, "no A and no AAAA record",
            "Publish the address of " + subject + ", or remove its MX record."};
  }
  std::string listed;
  for (const IpAddress& address : addresses)
    listed += (listed.empty() ? "" : ", ") + address.text();
  const auto local = std::count_if(addresses.begin(), addresses.end(), [&](const IpAddress& one) {
    return is_local(one) && !was_reached(one, input.facts);
  });
  if (local != 0) {
    const bool all = local == static_cast<std::ptrdiff_t>(addresses.size());
    return {all && input.facts.servers_asked ? CheckStatus::fail : CheckStatus::warn, subject,
            listed + ": not reachable from the Internet",
            "Publish the address that " + subject + " has in the Internet."};
  }
  const auto v4 = std::count_if(addresses.begin(), addresses.end(),
                                [](const IpAddress& one) { return one.is_v4(); });
  if (v4 == 0) {
    return {CheckStatus::warn, subject, listed + ": no IPv4, which many senders need",
            "Add an A record for " + subject + "."};
  }
  if (v4 == static_cast<std::ptrdiff_t>(addresses.size()))
    return {CheckStatus::info, subject, listed + ": no IPv6",
            "Add an AAAA record for " + subject + "."};
  return {CheckStatus::pass, subject, listed, ""};
}

Verdicts judge_address(const RuleInput& input) {
  Verdicts verdicts;
  for (const MailHost& host : find_mail_hosts(input.facts.domain, input.dns).hosts) {
    if (host.name) {
      verdicts.push_back(judge_addresses(*host.name, input));
      continue;
    }
    const std::string name = printable(host.exchange.text());
    const bool address = IpAddress::parse(host.exchange.text()).has_value();
    verdicts.push_back(
        {CheckStatus::fail, name,
         address ? "an address where the name of a host must be" : "no name that a host can have",
         "Name a host in the MX record, and publish its address."});
  }
  return verdicts;
}

/// Whether a name that the address has leads back to it.
Verdict judge_names(const IpAddress& address, const std::string& subject, Resolver& dns) {
  const auto reverse = DnsName::parse(address.reverse_name());
  const DnsQuestion question{reverse.value_or(DnsName()), RrType::ptr};
  const DnsAnswerRef answer = dns.resolve(question);
  if (answer->status == DnsStatus::temperror) return undecided({question, answer->fault}, subject);
  const std::string remedy = "Ask the owner of the network for the host's name as PTR record of " +
                             address.text() + ", and publish that name with this address.";
  const auto names = answer->all<PtrRecord>();
  if (names.empty()) return {CheckStatus::warn, subject, "no PTR record", remedy};
  for (const PtrRecord& name : names) {
    const auto there =
        dns.resolve({name.target, address.is_v4() ? RrType::a : RrType::aaaa})->addresses();
    if (std::find(there.begin(), there.end(), address) != there.end())
      return {CheckStatus::pass, subject, printable(name.target.text()), ""};
  }
  return {CheckStatus::warn, subject,
          printable(names.front().target.text()) + " does not lead back to the address", remedy};
}

Verdicts judge_ptr(const RuleInput& input) {
  Verdicts verdicts;
  for (const MailHost& host : find_mail_hosts(input.facts.domain, input.dns).hosts) {
    if (!host.name) continue;
    for (const IpAddress& address : find_addresses(*host.name, input.dns).all()) {
      if (!is_local(address))
        verdicts.push_back(
            judge_names(address, host.name->text() + " " + address.text(), input.dns));
    }
  }
  return verdicts;
}

constexpr AuditRule kRules[] = {
    {"mx.exists", "The domain says who takes its mail", "MX records of the domain",
     "RFC 5321 section 5.1", "", kMxExistsPage, judge_exists},
    {"mx.null", "A null MX record stands alone", "MX records of the domain", "RFC 7505 section 3",
     "", kMxNullPage, judge_null},
    {"mx.cname", "No mail host is an alias", "each host of the MX records", "RFC 2181 section 10.3",
     "", kMxCnamePage, judge_cname},
    {"mx.address", "Each mail host has addresses", "A and AAAA records of each host",
     "RFC 5321 section 5.1", "", kMxAddressPage, judge_address},
    {"mx.ptr", "Addresses of mail hosts have names", "PTR records of each host's addresses",
     "RFC 1912 section 2.1", "", kMxPtrPage, judge_ptr},
};

}  // namespace

std::span<const AuditRule> mx_rules() { return kRules; }

}  // namespace authmilter
