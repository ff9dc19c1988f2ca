#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <authmilter/config.h>
#include <authmilter/ip_address.h>
#include <authmilter/name_server.h>
#include <authmilter/result.h>

namespace authmilter::tools {

/// The options that every subcommand has.
struct CommonOptions {
  std::string config_file;  // empty: the default file if there is one
  bool json = false;
};
void add_common_options(CLI::App& command, CommonOptions& options);
/// --config alone, for those who write it before the subcommand.
void add_config_option(CLI::App& command, CommonOptions& options);

/// The options of every subcommand that looks names up.
struct DnsOptions {
  std::vector<std::string> zones;
  std::vector<std::string> nameservers;
  bool no_dnssec = false;
};
void add_dns_options(CLI::App& command, DnsOptions& options);
/// Those of --nameserver.
Result<std::vector<NameServer>> name_servers(const DnsOptions& options);

/// A repeatable option that takes one value each time, so that the next word stays what it is.
CLI::Option* add_repeatable(CLI::App& command, const std::string& name,
                            std::vector<std::string>& values, const std::string& description);

/// The configuration that the daemon would use.
Result<Config> read_configuration(const CommonOptions& options);

/// Empty: now.
using TimeOption = std::optional<std::int64_t>;
/// --time; `description` says what it changes.
void add_time_option(CLI::App& command, TimeOption& time, const std::string& description);
std::int64_t time_or_now(const TimeOption& option);

/// A validator: an IP address.
CLI::Validator ip_address();
/// A validator: a domain name.
CLI::Validator domain_name();
/// A validator: a DKIM selector.
CLI::Validator selector();

}  // namespace authmilter::tools
