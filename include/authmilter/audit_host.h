#pragma once

#include <chrono>
#include <map>
#include <string>

#include <authmilter/audit_facts.h>
#include <authmilter/dns_name.h>

namespace authmilter {

/// What is asked of this host.
struct HostQuestions {
  std::string postconf = "/usr/sbin/postconf";
  std::string resolv_conf = "/etc/resolv.conf";
  /// Asked of each name server of that file; empty: they are not asked.
  std::string signed_name;
  std::string bogus_name;
  std::chrono::milliseconds timeout{5000};  // of each question
};

/// Looks at the Postfix and the resolver of this host. Starts `postconf` without a shell and reads
/// what it prints, bounded in time and octets; where there is none `postfix_trouble` says so. Of
/// several name servers the worst counts, since each may be asked. Sets neither `name` nor
/// `authmilter`. Blocks for some seconds.
HostFacts gather_host(const HostQuestions& questions);

/// A configuration as rules see it: "policy.spf_fail" to "tag", of the text that print_config()
/// writes. Tables that may stand several times are left out.
std::map<std::string, std::string> configuration_settings(const std::string& printed);

/// For tests: `postconf -x` and `postconf -M`.
std::map<std::string, std::string> parse_postconf(const std::string& printed);

}  // namespace authmilter
