#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <authmilter/dns_check.h>
#include <authmilter/unbound_resolver.h>

#include "dns/check/dns_client.h"

namespace authmilter {

/// What one name server has answered.
struct NameServerFacts {
  DirectReply plain;       // SOA of the signed name, without EDNS, over UDP
  DirectReply extended;    // the same with EDNS and DO
  DirectReply by_tcp;      // the same over TCP
  DirectReply root_key;    // DNSKEY of the root
  DirectReply delegation;  // DS of the top-level domain that the signed name is below
  DirectReply domain_key;  // its DNSKEY
  DirectReply missing;     // A of a name that does not exist
  DirectReply large;       // TXT of the large name over UDP
  DirectReply large_by_tcp;
  DirectReply loopback;  // A of the loopback name

  bool answers() const { return plain.answered() || extended.answered() || by_tcp.answered(); }
};

/// What the daemon's own resolver makes of the same.
struct DaemonFacts {
  DnsAnswerRef signed_answer;  // A of the signed name
  DnsAnswerRef bogus_answer;   // A of the bogus name
  DnsAnswerRef large_answer;   // TXT of the large name
  DnsAnswerRef loopback_answer;
  std::chrono::milliseconds longest{0};
  bool validating = false;
};

struct CheckContext {
  DnsCheckNames names;
  DnssecMode dnssec = DnssecMode::automatic;
  std::chrono::milliseconds timeout{5000};
};

/// The rules: facts in, findings out. Pure.
std::vector<DnsCheck> judge_server(const NameServerFacts& facts, const CheckContext& context);
std::vector<DnsCheck> judge_daemon(const DaemonFacts& facts, const CheckContext& context);

}  // namespace authmilter
