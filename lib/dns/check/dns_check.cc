#include <authmilter/dns_check.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <authmilter/dns_health.h>

#include "dns/check/server_rules.h"
#include "dns/resolv_conf.h"

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;
using Transport = DirectQuestion::Transport;
using Extension = DirectQuestion::Extension;

DnsName name_of(std::string_view text) { return DnsName::parse(text).value_or(DnsName()); }

std::string_view last_label(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

/// Nobody has a name like this, and no cache knows it.
std::string missing_name(const std::string& zone) {
  std::random_device random;
  return fmt::format("authmilter-check-{:08x}.{}", random(), zone);
}

NameServerFacts gather(const NameServer& server, const CheckContext& context) {
  const DnsCheckNames& names = context.names;
  const auto ask = [&](std::string_view name, RrType type, Transport transport = Transport::udp,
                       Extension extension = Extension::dnssec) {
    return ask_directly(server, {name_of(name), type, transport, extension}, context.timeout);
  };
  NameServerFacts facts;
  facts.extended = ask(names.signed_name, RrType::soa);
  facts.plain = ask(names.signed_name, RrType::soa, Transport::udp, Extension::none);
  facts.by_tcp = ask(names.signed_name, RrType::soa, Transport::tcp);
  if (!facts.answers()) return facts;
  facts.root_key = ask("", RrType::dnskey);
  if (facts.root_key.truncated) facts.root_key = ask("", RrType::dnskey, Transport::tcp);
  facts.delegation = ask(last_label(names.signed_name), RrType::ds);
  facts.domain_key = ask(last_label(names.signed_name), RrType::dnskey);
  facts.missing = ask(missing_name(names.signed_name), RrType::a);
  facts.large = ask(names.large_name, RrType::txt);
  facts.large_by_tcp = ask(names.large_name, RrType::txt, Transport::tcp);
  facts.loopback = ask(names.loopback_name, RrType::a);
  return facts;
}

DaemonFacts gather(Resolver& resolver, const CheckContext& context) {
  DaemonFacts facts;
  const auto ask = [&](const std::string& name, RrType type) {
    const auto begin = Clock::now();
    auto answer = resolver.resolve({name_of(name), type});
    facts.longest = std::max(
        facts.longest, std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin));
    return answer;
  };
  facts.signed_answer = ask(context.names.signed_name, RrType::a);
  facts.bogus_answer = ask(context.names.bogus_name, RrType::a);
  facts.large_answer = ask(context.names.large_name, RrType::txt);
  facts.loopback_answer = ask(context.names.loopback_name, RrType::a);
  facts.validating = validation_status(resolver) == ValidationStatus::on;
  return facts;
}

int weight(DnsCheckStatus status) {
  switch (status) {
    case DnsCheckStatus::pass:
      return 0;
    case DnsCheckStatus::unknown:
      return 1;
    case DnsCheckStatus::warn:
      return 2;
    case DnsCheckStatus::fail:
      return 3;
  }
  return 3;
}

}  // namespace

std::string_view to_string(DnsCheckStatus status) {
  switch (status) {
    case DnsCheckStatus::pass:
      return "pass";
    case DnsCheckStatus::warn:
      return "warn";
    case DnsCheckStatus::fail:
      return "fail";
    case DnsCheckStatus::unknown:
      return "unknown";
  }
  return "";
}

DnsCheckStatus DnsCheckReport::worst() const {
  DnsCheckStatus worst = DnsCheckStatus::pass;
  const auto add = [&](const std::vector<DnsCheck>& checks) {
    for (const DnsCheck& check : checks) {
      if (weight(check.status) > weight(worst)) worst = check.status;
    }
  };
  for (const auto& server : name_servers) add(server.checks);
  add(daemon);
  return worst;
}

bool DnsCheckReport::silent() const {
  // Of a server that does not answer nothing else can be said.
  return std::all_of(name_servers.begin(), name_servers.end(),
                     [](const auto& server) { return server.checks.size() == 1; });
}

Result<DnsCheckReport> check_dns(const UnboundOptions& options, const DnsCheckNames& names) {
  const CheckContext context{names, options.dnssec, options.timeout};
  auto resolver = make_unbound_resolver(options);
  if (!resolver) return resolver.error();

  std::vector<NameServer> servers = options.nameservers;
  if (servers.empty()) servers = read_resolv_conf(options.resolv_conf).servers;

  DnsCheckReport report;
  for (const NameServer& server : servers)
    report.name_servers.push_back({server.text(), judge_server(gather(server, context), context)});
  report.daemon = judge_daemon(gather(**resolver, context), context);
  for (std::string notice = dnssec_notice(**resolver); !notice.empty();
       notice = dnssec_notice(**resolver))
    report.notices.push_back(std::move(notice));
  return report;
}

}  // namespace authmilter
