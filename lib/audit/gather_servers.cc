#include "audit/gather_servers.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <system_error>
#include <utility>

#include "audit/mail_hosts.h"
#include "base/ascii.h"

namespace authmilter {
namespace {

// A server that dawdles takes as long as a probe may. So many at a time leave the others their
// turn, and no server has more than a few connections from here.
constexpr std::size_t kAtATime = 8;
constexpr std::size_t kMostServers = 64;
constexpr std::size_t kMostWebmail = 16;
// Of a host for devices, whose ports are many: one of each family.
constexpr std::size_t kClientAddresses = 2;

/// What people's devices speak. On port 25 too, where a server may offer logins that it should not.
constexpr std::pair<ServerProtocol, std::uint16_t> kClientPorts[] = {
    {ServerProtocol::submissions, 465}, {ServerProtocol::imaps, 993}, {ServerProtocol::pop3s, 995},
    {ServerProtocol::submission, 587},  {ServerProtocol::imap, 143},  {ServerProtocol::pop3, 110},
    {ServerProtocol::submission, 25},
};
constexpr std::uint16_t kSmtpPort = 25;

/// Calls `work` with each number below `count`, kAtATime at a time.
template <class Work>
void for_each_at_a_time(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < count;) work(i);
  };
  std::vector<std::future<void>> helpers;  // whose destructors wait
  try {
    while (helpers.size() + 1 < std::min(count, kAtATime))
      helpers.push_back(std::async(std::launch::async, run));
  } catch (const std::system_error&) {
    // There may be no more threads: then it takes longer.
  }
  run();
  for (auto& helper : helpers) helper.get();
}

class ServerList {
 public:
  explicit ServerList(const GatherOptions& options) : options_(options) {}

  /// `host` at each of its addresses, or where its detour leads.
  void add(ServerProtocol protocol, const std::string& host, std::vector<IpAddress> addresses,
           std::uint16_t port) {
    const auto detour =
        std::find_if(options_.detours.begin(), options_.detours.end(),
                     [&](const Detour& one) { return equals_ignoring_case(one.host, host); });
    if (detour != options_.detours.end()) {
      addresses = {detour->address};
      if (detour->port != 0) port = detour->port;
    }
    for (const IpAddress& address : addresses) add(server(protocol, host, address, port));
    if (addresses.empty()) {
      ServerFacts missing = server(protocol, host, std::nullopt, port);
      missing.trouble = "the host has no address";
      add(std::move(missing));
    }
  }

  std::vector<ServerFacts> take() { return std::move(servers_); }

 private:
  static ServerFacts server(ServerProtocol protocol, const std::string& host,
                            const std::optional<IpAddress>& address, std::uint16_t port) {
    ServerFacts facts;
    facts.protocol = protocol;
    facts.host = host;
    facts.address = address;
    facts.port = port;
    return facts;
  }
  void add(ServerFacts one) {
    if (servers_.size() < kMostServers) servers_.push_back(std::move(one));
  }

  const GatherOptions& options_;
  std::vector<ServerFacts> servers_;
};

bool has_mta_sts(const DomainName& domain, Resolver& dns) {
  const auto name = domain.below("_mta-sts");
  if (!name) return false;
  const auto texts = dns.resolve({*name, RrType::txt})->texts();
  return std::any_of(texts.begin(), texts.end(),
                     [](const std::string& text) { return text.starts_with("v=STSv1"); });
}

/// The same page without and with TLS: of "https://mail.example.org:8443/x" first
/// "http://mail.example.org/x", as people type it.
std::vector<std::string> both_schemes(const std::string& url) {
  constexpr std::string_view kSecure = "https://";
  if (!starts_with_ignoring_case(url, kSecure)) return {url};
  const std::string rest = url.substr(kSecure.size());
  const std::size_t path = std::min(rest.find('/'), rest.size());
  std::string host = rest.substr(0, path);
  // Not the colons of an IPv6 address in brackets.
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) host.resize(colon);
  return {"http://" + host + rest.substr(path), url};
}

}  // namespace

AskedServers ask_servers(const DomainName& domain, const GatherOptions& options, Resolver& dns,
                         const AuditProbes& probes) {
  ServerList list(options);
  for (const MailHost& host : find_mail_hosts(domain, dns).hosts) {
    if (!host.name) continue;
    list.add(ServerProtocol::smtp, host.name->text(), find_addresses(*host.name, dns).all(),
             kSmtpPort);
  }
  for (const std::string& host : options.client_hosts) {
    std::vector<IpAddress> addresses;
    if (const auto name = DomainName::parse(host)) {
      const HostAddresses found = find_addresses(*name, dns);
      for (const DnsAnswerRef& answer : {found.v4, found.v6}) {
        const auto of_family = answer->addresses();
        if (!of_family.empty() && addresses.size() < kClientAddresses)
          addresses.push_back(of_family.front());
      }
    }
    for (const auto& [protocol, port] : kClientPorts)
      list.add(protocol, to_lower(host), addresses, port);
  }
  AskedServers asked{list.take(), {}, {}};

  std::vector<std::string> urls;
  if (has_mta_sts(domain, dns))
    urls.push_back("https://mta-sts." + domain.text() + "/.well-known/mta-sts.txt");
  const std::size_t policies = urls.size();
  for (const std::string& url : options.webmail) {
    if (urls.size() >= kMostWebmail) break;
    for (const std::string& one : both_schemes(url)) urls.push_back(one);
  }

  std::vector<FetchFacts> fetched(urls.size());
  for_each_at_a_time(asked.servers.size() + urls.size(), [&](std::size_t i) {
    if (i >= asked.servers.size()) {
      fetched[i - asked.servers.size()] = probes.fetch(urls[i - asked.servers.size()]);
      return;
    }
    ServerFacts& one = asked.servers[i];
    if (one.address) one = probes.server(one.protocol, one.host, *one.address, one.port);
  });
  if (policies == 1) asked.mta_sts_policy = fetched.front();
  asked.webmail.assign(fetched.begin() + static_cast<std::ptrdiff_t>(policies), fetched.end());
  return asked;
}

}  // namespace authmilter
