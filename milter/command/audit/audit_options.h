#pragma once

#include <string>
#include <vector>

#include <authmilter/audit_profile.h>
#include <authmilter/https_fetch.h>
#include <authmilter/result.h>

#include "options/common_options.h"

namespace authmilter::tools {

/// The command line of `authmilter audit`.
struct AuditOptions {
  std::vector<std::string> domains;
  std::string domains_file;
  std::string profile = "default";
  std::vector<std::string> selectors;
  std::vector<std::string> webmail;
  std::vector<std::string> client_hosts;
  std::string format;  // empty: text, or with --json JSON
  std::string out = "-";
  unsigned jobs = 8;
  std::string since;
  std::string facts;
  std::string facts_out;
  std::string explain;
  std::vector<std::string> connect;
  std::string tls_ca;
  bool survey = false;
  unsigned rate = 500;  // of a survey: questions a second; 0: no limit
  std::string simulate;
  bool dns_only = false;
  bool no_host = false;
  std::string postconf = "/usr/sbin/postconf";
  std::string signed_name;
  std::string bogus_name;
  TimeOption time;
  DnsOptions dns;
};

void add_audit_options(const Command& command, AuditOptions& options);

/// Those of the command line, then those of the file, each once, in their order. An error names the
/// word that is no domain, with the place in the file.
Result<std::vector<DomainName>> domains_of(const AuditOptions& options);
/// Those of --connect.
Result<std::vector<Detour>> detours_of(const AuditOptions& options);
/// A built-in one, or that of a file.
Result<AuditProfile> profile_of(const AuditOptions& options);

}  // namespace authmilter::tools
