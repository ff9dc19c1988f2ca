#include <authmilter/zone_watch.h>

#include <algorithm>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/locked.h"
#include "dns/authority/zone_servers.h"
#include "dns/check/dns_client.h"

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr unsigned kNoError = 0;
constexpr unsigned kNameError = 3;
// As many as resolvers follow.
constexpr int kAliases = 8;

std::string outcome_text(const DirectReply& reply) {
  switch (reply.outcome) {
    case DirectReply::Outcome::silent:
      return "does not answer";
    case DirectReply::Outcome::refused:
      return "cannot be reached";
    case DirectReply::Outcome::unreadable:
      return "gives an answer that cannot be read";
    case DirectReply::Outcome::answered:
      break;
  }
  if (reply.rcode != kNoError && reply.rcode != kNameError)
    return fmt::format("refuses to answer (code {})", reply.rcode);
  return "does not serve the zone";
}

/// The server speaks for the zone, whatever it says.
bool is_final(const DirectReply& reply) {
  return reply.answered() && reply.authoritative && !reply.truncated &&
         (reply.rcode == kNoError || reply.rcode == kNameError);
}

// Whoever was silent so often, each time over UDP and TCP, is not waited for again in this run: one
// dead server must not use up the time of all domains.
constexpr int kSilences = 3;

/// Nobody is asked more often than this allows, and nobody waited for who is dead. Thread-safe.
class Pace {
 public:
  Pace(std::chrono::milliseconds pause, std::chrono::milliseconds long_pause)
      : pause_(pause), long_pause_(std::max(pause, long_pause)) {}

  void wait_for(const NameServer& server) {
    const auto at = servers_.with([&](auto& servers) {
      Server& mine = servers[server];
      const auto turn = std::max(mine.next, Clock::now());
      mine.next = turn + (mine.limits ? long_pause_ : pause_);
      return turn;
    });
    std::this_thread::sleep_until(at);
  }
  bool is_dead(const NameServer& server) {
    return servers_.with([&](auto& servers) { return servers[server].silences >= kSilences; });
  }
  /// What an answer by UDP shows of its limits.
  void limits(const NameServer& server) {
    if (pause_.count() == 0) return;
    servers_.with([&](auto& servers) {
      Server& mine = servers[server];
      mine.limits = true;
      mine.next = std::max(mine.next, Clock::now() + long_pause_);
    });
  }
  void count(const NameServer& server, const DirectReply& last) {
    servers_.with([&](auto& servers) {
      int& silences = servers[server].silences;
      silences = last.outcome == DirectReply::Outcome::silent ? silences + 1 : 0;
    });
  }

 private:
  struct Server {
    Clock::time_point next;
    bool limits = false;
    int silences = 0;  // in a row
  };
  std::chrono::milliseconds pause_;
  std::chrono::milliseconds long_pause_;
  Locked<std::map<NameServer, Server>> servers_;
};

}  // namespace

struct ZoneWatch::Impl {
  Impl(Resolver& of_zones, const ZoneWatchOptions& how)
      : resolver(of_zones), options(how), pace(how.pause, how.long_pause) {}

  DirectReply ask(const NameServer& server, const DnsName& name, RrType type);
  /// What the server's addresses say alike; a trouble where they do not.
  ServerTexts ask(const AuthoritativeServer& server, const DnsName& name,
                  std::optional<DnsName>& alias);
  ZoneTexts follow(const DnsName& name, int aliases);
  const Result<ZoneServers>& zone_of(const DnsName& name);
  void add_soa(const ZoneServers& zone, ZoneTexts& texts);

  Resolver& resolver;
  const ZoneWatchOptions options;
  Pace pace;
  std::map<DnsName, Result<ZoneServers>> zones;  // by the name's parent
  struct Soa {
    seconds ttl{0};
    seconds minimum{0};
  };
  std::map<DnsName, Soa> soas;
};

DirectReply ZoneWatch::Impl::ask(const NameServer& server, const DnsName& name, RrType type) {
  DirectQuestion question{name, type};
  question.extension = DirectQuestion::Extension::edns;
  question.recursion = DirectQuestion::Recursion::none;
  if (pace.is_dead(server)) return {};
  pace.wait_for(server);
  DirectReply reply = ask_directly(server, question, options.timeout);
  if (is_final(reply)) {
    pace.count(server, reply);
    return reply;
  }
  // Rate limits say TC with nothing in it, or nothing at all; TCP is not limited. And one answer
  // that was lost or a server that was busy should not make a look one without an answer. The
  // longest record has room in a datagram, so that TC is nearly always a limit.
  const bool slower = reply.truncated || reply.outcome == DirectReply::Outcome::silent;
  if (slower) pace.limits(server);
  question.transport = DirectQuestion::Transport::tcp;
  pace.wait_for(server);
  const DirectReply second = ask_directly(server, question, options.timeout);
  pace.count(server, second);
  return second.answered() || !reply.answered() ? second : reply;
}

ServerTexts ZoneWatch::Impl::ask(const AuthoritativeServer& server, const DnsName& name,
                                 std::optional<DnsName>& alias) {
  ServerTexts said;
  said.server = server.name;
  if (server.addresses.empty()) said.trouble = server.name + " has no address";
  for (const NameServer& address : server.addresses) {
    const DirectReply reply = ask(address, name, RrType::txt);
    if (!is_final(reply)) {
      // A host need not have IPv6; one address that answers is enough.
      if (!said.answered)
        said.trouble = fmt::format("{} ({}) {}", server.name, address.text(), outcome_text(reply));
      continue;
    }
    std::vector<std::string> texts;
    for (const DnsRecord& record : reply.answers) {
      if (const auto* txt = std::get_if<TxtRecord>(&record)) texts.push_back(txt->text);
    }
    if (said.answered && (texts != said.texts || reply.alias != alias)) {
      said.answered = false;
      said.trouble = fmt::format("the addresses of {} say different things", server.name);
      return said;
    }
    said.answered = true;
    said.trouble.clear();
    said.texts = std::move(texts);
    said.ttl = std::max({said.ttl, reply.ttl, reply.alias_ttl});
    // Followed even where this server has the texts too: it need not be the only one of their zone.
    alias = reply.alias;
  }
  return said;
}

const Result<ZoneServers>& ZoneWatch::Impl::zone_of(const DnsName& name) {
  // The keys of a domain are below one name, and nearly always in one zone.
  const auto dot = name.text().find('.');
  const DnsName above =
      DnsName::parse(dot == std::string::npos ? name.text() : name.text().substr(dot + 1))
          .value_or(name);
  auto found = zones.find(above);
  if (found == zones.end())
    found = zones.emplace(above, find_zone_servers(name, resolver, options.port)).first;
  return found->second;
}

void ZoneWatch::Impl::add_soa(const ZoneServers& zone, ZoneTexts& texts) {
  auto found = soas.find(zone.apex);
  if (found == soas.end()) {
    Soa soa{seconds(86400), seconds(86400)};  // nobody says: the longest
    for (const AuthoritativeServer& server : zone.servers) {
      if (server.addresses.empty()) continue;
      const DirectReply reply = ask(server.addresses.front(), zone.apex, RrType::soa);
      if (!is_final(reply) || reply.answers.empty()) continue;
      soa = {reply.ttl, seconds(std::get<SoaRecord>(reply.answers.front()).minimum)};
      break;
    }
    found = soas.emplace(zone.apex, soa).first;
  }
  texts.soa_ttl = std::max(texts.soa_ttl, found->second.ttl);
  texts.soa_minimum = std::max(texts.soa_minimum, found->second.minimum);
}

ZoneTexts ZoneWatch::Impl::follow(const DnsName& name, int aliases) {
  const auto& zone = zone_of(name);
  ZoneTexts all;
  if (!zone) {
    all.trouble = zone.error().message;
    return all;
  }
  std::vector<std::optional<DnsName>> leads(zone->servers.size());
  std::vector<std::future<ServerTexts>> asked;
  for (std::size_t i = 0; i < zone->servers.size(); ++i) {
    asked.push_back(std::async(std::launch::async, [this, &zone, &leads, &name, i] {
      return ask(zone->servers[i], name, leads[i]);
    }));
  }
  for (auto& one : asked) all.servers.push_back(one.get());
  add_soa(*zone, all);
  std::set<DnsName> targets;
  std::vector<ServerTexts> beyond;
  for (std::size_t i = 0; i < all.servers.size(); ++i) {
    all.ttl = std::max(all.ttl, all.servers[i].ttl);
    if (leads[i]) targets.insert(*leads[i]);
  }
  for (const DnsName& target : targets) {
    if (aliases == 0) {
      all.trouble = fmt::format("{} leads through too many CNAME records", printable(name.text()));
      return all;
    }
    ZoneTexts there = follow(target, aliases - 1);
    if (!there.trouble.empty()) all.trouble = there.trouble;
    all.ttl = std::max(all.ttl, there.ttl);
    all.soa_ttl = std::max(all.soa_ttl, there.soa_ttl);
    all.soa_minimum = std::max(all.soa_minimum, there.soa_minimum);
    for (ServerTexts& server : there.servers) beyond.push_back(std::move(server));
  }
  // A server that leads on says nothing of the texts itself: those of the target speak for it.
  std::vector<ServerTexts> said;
  for (std::size_t i = 0; i < all.servers.size(); ++i) {
    if (!leads[i]) said.push_back(std::move(all.servers[i]));
  }
  for (ServerTexts& server : beyond) said.push_back(std::move(server));
  all.servers = std::move(said);
  return all;
}

ZoneWatch::ZoneWatch(Resolver& resolver, const ZoneWatchOptions& options)
    : impl_(std::make_unique<Impl>(resolver, options)) {}

ZoneWatch::~ZoneWatch() = default;

ZoneTexts ZoneWatch::texts(const DnsName& name) { return impl_->follow(name, kAliases); }

}  // namespace authmilter
