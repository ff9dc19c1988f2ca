#include <string>
#include <vector>

#include <authmilter/name_server.h>

#include "audit/host_rules.h"

namespace authmilter {
namespace {

constexpr const char* kInstall =
    "Install a resolver that validates on this host (Debian: apt install unbound), let "
    "/etc/resolv.conf have only the lines \"nameserver 127.0.0.1\" and \"options edns0 trust-ad\", "
    "and restart Postfix.";

std::string servers_of(const HostFacts& host) {
  std::string text;
  for (const std::string& server : host.name_servers) text += (text.empty() ? "" : ", ") + server;
  return text;
}

Verdict judge_signed(const HostFacts& host) {
  const std::string of = servers_of(host);
  if (*host.signed_name_fault != DnsFault::none) {
    return {CheckStatus::unknown, host.signed_name,
            of + ": no answer (" + std::string(to_string(*host.signed_name_fault)) + ")",
            "Look at the name servers of /etc/resolv.conf with \"authmilter check-dns\"."};
  }
  if (!host.signed_name_secure) {
    return {CheckStatus::fail, host.signed_name,
            of + ": answered, but not as validated (no AD flag) by each of them", kInstall};
  }
  return {CheckStatus::pass, host.signed_name, of + ": answered as validated (AD flag)", ""};
}

Verdict judge_bogus(const HostFacts& host) {
  const std::string of = servers_of(host);
  switch (*host.bogus_name_fault) {
    case DnsFault::none:
      return {CheckStatus::fail, host.bogus_name,
              of + ": answered, though the signature of this name is wrong", kInstall};
    case DnsFault::servfail:
    case DnsFault::bogus:
      return {CheckStatus::pass, host.bogus_name, of + ": refused, as its signature is wrong", ""};
    case DnsFault::timeout:
    case DnsFault::malformed:
    case DnsFault::limit:
    case DnsFault::overload:
      break;
  }
  return {CheckStatus::unknown, host.bogus_name,
          of + ": no answer (" + std::string(to_string(*host.bogus_name_fault)) + ")",
          "Look at the name servers of /etc/resolv.conf with \"authmilter check-dns\"."};
}

std::vector<Verdict> judge_validates(const RuleInput& input) {
  std::vector<Verdict> verdicts;
  if (input.host == nullptr) return verdicts;
  if (input.host->signed_name_fault) verdicts.push_back(judge_signed(*input.host));
  if (input.host->bogus_name_fault) verdicts.push_back(judge_bogus(*input.host));
  return verdicts;
}

std::vector<Verdict> judge_local(const RuleInput& input) {
  std::vector<Verdict> verdicts;
  if (input.host == nullptr) return verdicts;
  for (const std::string& text : input.host->name_servers) {
    const auto server = NameServer::parse(text);
    if (!server) continue;
    if (is_loopback(server->address())) {
      verdicts.push_back({CheckStatus::pass, text, "on this host", ""});
    } else if (!is_global(server->address())) {
      verdicts.push_back({CheckStatus::pass, text, "at an address of a private network", ""});
    } else {
      verdicts.push_back(
          {input.profile.prints_measure ? CheckStatus::unknown : CheckStatus::warn, text,
           "at a public address: whoever is on the way there can change its answers, and the "
           "word that it has validated them",
           kInstall});
    }
  }
  return verdicts;
}

constexpr AuditRule kRules[] = {
    {"resolver.validates", "The resolver of this host checks the signatures of the DNS",
     "the answers of each name server of /etc/resolv.conf for a name that is signed, and for one "
     "whose signature is wrong",
     "RFC 4035 section 3.2.3", "1.5",
     "Names in the DNS can be signed (DNSSEC). A signature is worth something only where somebody "
     "checks it: that is the work of the resolver, the program that this host asks for names.\n\n"
     "Postfix relies on it: DANE, by which it makes sure that mail goes to the right server, "
     "counts "
     "only for answers that the resolver has validated. Without that, whoever stands on the way "
     "can "
     "send your mail elsewhere.\n\n"
     "Two names are asked for. Of the first the resolver must say that it has validated it, the "
     "second it must refuse. All name servers in /etc/resolv.conf must do so, since each may be "
     "asked. Unbound, Knot Resolver and BIND validate; a resolver in a router often does not.",
     judge_validates},
    {"resolver.local", "The resolver is on this host or in its own network",
     "the name servers of /etc/resolv.conf", "RFC 6698 section 8", "1.5",
     "That an answer was validated is told by one bit, and nothing protects it on the way from the "
     "resolver to this host. So the resolver should be on this host, or in the same network, or be "
     "reached over a protected channel.\n\n"
     "Of a resolver at a public address this command cannot see whether the way there is "
     "protected, "
     "by a tunnel for example: it is a warning, and leaves point 1.5 open. The simplest remedy is "
     "a resolver of this host's own.",
     judge_local},
};

}  // namespace

std::span<const AuditRule> resolver_rules() { return kRules; }

}  // namespace authmilter
