#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dns_answer.h>
#include <authmilter/domain_name.h>
#include <authmilter/https_fetch.h>
#include <authmilter/resolver.h>
#include <authmilter/result.h>
#include <authmilter/tls_probe.h>

namespace authmilter {

/// What the DNS said while facts were gathered, each question once.
using DnsFacts = std::map<DnsQuestion, DnsAnswer>;

/// Answers from facts and asks nobody. A question that was not asked then is a temperror with fault
/// `limit`, so a rule that needs it says `unknown`. Borrows the facts, as its answers do.
/// Thread-safe.
class FactsResolver final : public Resolver {
 public:
  explicit FactsResolver(const DnsFacts& facts) : facts_(facts) {}
  DnsAnswerRef resolve(const DnsQuestion& question, Deadline deadline,
                       Freshness freshness) override;
  using Resolver::resolve;
  void prefetch(const DnsQuestion&) override {}
  DnsAnswerRef known(const DnsQuestion& question) override;

 private:
  const DnsFacts& facts_;
};

/// Why a selector is looked at.
enum class SelectorOrigin : std::uint8_t { given, configured, reported, usual };
std::string_view to_string(SelectorOrigin origin);

struct SelectorFact {
  std::string selector;  // one or more labels
  SelectorOrigin origin = SelectorOrigin::given;
  /// Of a configured key: the record that our private key needs; empty where the key could not be
  /// read or is another's.
  std::string own_record;
  bool operator==(const SelectorFact&) const = default;
};

/// All that is known of one domain: a value that can be saved and judged again without network.
struct DomainFacts {
  DomainName domain;
  DnsFacts dns;
  std::vector<SelectorFact> selectors;
  /// Servers were asked too; otherwise what they offer is not known.
  bool servers_asked = false;
  /// Each MX host at each of its addresses, and each --client-host at each protocol.
  std::vector<ServerFacts> servers;
  std::optional<FetchFacts> mta_sts_policy;  // set where the record is there
  std::vector<FetchFacts> webmail;           // http:// and https:// of each --webmail
};

/// What is known of this host, when it is the mail server itself.
struct HostFacts {
  std::string name;
  /// `postconf`'s settings by name; empty when there is no Postfix here.
  std::map<std::string, std::string> postfix;
  std::string postfix_version;
  std::vector<std::string> postfix_services;  // `postconf -M`, a line each
  std::string postfix_trouble;                // why they could not be had
  /// Of the resolver that Postfix uses: the servers of resolv.conf, and what they said.
  std::vector<std::string> name_servers;
  std::optional<DnsFault> signed_name_fault;  // nothing: not asked
  bool signed_name_secure = false;
  std::string signed_name;
  std::optional<DnsFault> bogus_name_fault;  // nothing: not asked; none: it was answered
  std::string bogus_name;
  /// Settings of our own configuration as `--check-config` prints them, "policy.spf_fail" to "tag";
  /// empty without a configuration.
  std::map<std::string, std::string> authmilter;
};

/// One run.
struct AuditHeader {
  std::string program;      // "authmilter 1.0"
  std::int64_t time = 0;    // seconds since 1970
  std::string resolver;     // "127.0.0.1@53, DNSSEC validated"
  std::string tls_library;  // "OpenSSL 3.0.22"
  std::optional<HostFacts> host;
};

// A file of facts is a line of JSON for the header and one for each domain, so that a survey that
// was stopped goes on behind its last whole line.
std::string facts_line(const AuditHeader& header);
std::string facts_line(const DomainFacts& facts);
Result<AuditHeader> parse_header_line(std::string_view line);
Result<DomainFacts> parse_facts_line(std::string_view line);

}  // namespace authmilter
