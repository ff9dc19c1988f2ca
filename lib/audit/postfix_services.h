#pragma once

#include <map>
#include <string>
#include <vector>

#include <authmilter/audit_facts.h>

namespace authmilter {

/// A service by which clients reach Postfix: a line of master.cf(5) of type inet that runs smtpd.
struct PostfixService {
  std::string name;  // as the line has it: "smtp", "submissions", "465", "192.0.2.1:smtp"
  unsigned port = 0;
  std::map<std::string, std::string> overrides;  // of -o name=value
  /// What holds for it: its own override, or main.cf's value.
  std::string setting(const HostFacts& host, const std::string& name) const;
};

/// Those of ports that mail clients use: 25, 465, 587. Others are left out.
std::vector<PostfixService> postfix_services(const HostFacts& host);

/// Of main.cf; empty where it is not set.
std::string postfix_setting(const HostFacts& host, const std::string& name);

}  // namespace authmilter
