#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/ip_address.h>
#include <authmilter/name_server.h>
#include <authmilter/result.h>

#include "command_line/command_line.h"

namespace authmilter::tools {

using command_line::Command;
using command_line::Option;

/// The options that every subcommand has.
struct CommonOptions {
  std::string config_file;  // empty: the default file if there is one
  bool json = false;
};
void add_common_options(const Command& command, CommonOptions& options);
/// --config alone, for those who write it before the subcommand.
void add_config_option(const Command& command, CommonOptions& options);

/// The options of every subcommand that looks names up.
struct DnsOptions {
  std::vector<std::string> zones;
  std::vector<std::string> nameservers;
  bool no_dnssec = false;
};
void add_dns_options(const Command& command, DnsOptions& options);
/// Those of --nameserver.
Result<std::vector<NameServer>> name_servers(const DnsOptions& options);

/// There is a configuration: one is named, or the default file is there.
bool has_configuration(const CommonOptions& options);
/// The configuration that the daemon would use.
Result<Config> read_configuration(const CommonOptions& options);

/// Empty: now.
using TimeOption = std::optional<std::int64_t>;
/// --time; `description` says what it changes.
void add_time_option(const Command& command, TimeOption& time, const std::string& description);
std::int64_t time_or_now(const TimeOption& option);

// The checks of values, for Option::check().
std::string check_ip_address(const std::string& text);
std::string check_domain_name(const std::string& text);
/// Of a DKIM key.
std::string check_selector(const std::string& text);

}  // namespace authmilter::tools
