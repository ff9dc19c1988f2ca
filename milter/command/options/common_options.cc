#include "options/common_options.h"

#include <chrono>
#include <filesystem>

#include <authmilter/domain_name.h>
#include <authmilter/host_name.h>
#include <authmilter/selector.h>
#include <fmt/format.h>

#include "output/output.h"

namespace authmilter::tools {
namespace {

constexpr const char* kDefaultConfigFile = AUTHMILTER_CONFIG;

/// Decimal digits: CLI11 alone takes octal and hexadecimal numbers too, and cuts what is too large.
CLI::Validator epoch() {
  constexpr std::size_t kDigits = 12;  // as in t= and x= (RFC 6376 section 3.5)
  return {[](const std::string& text) {
            const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
            return digits && !text.empty() && text.size() <= kDigits
                       ? ""
                       : "\"" + text + "\" is not a number of seconds since 1970";
          },
          ""};
}

}  // namespace

void add_config_option(CLI::App& command, CommonOptions& options) {
  command
      .add_option("--config", options.config_file,
                  std::string("configuration file (default: ") + kDefaultConfigFile + ")")
      ->type_name("FILE");
}

void add_common_options(CLI::App& command, CommonOptions& options) {
  add_config_option(command, options);
  command.add_flag("--json", options.json, "write JSON for programs");
}

void add_dns_options(CLI::App& command, DnsOptions& options) {
  auto* zone = add_repeatable(command, "--zone", options.zones,
                              "answer from this master file only, without the network")
                   ->type_name("FILE");
  add_repeatable(command, "--nameserver", options.nameservers,
                 "ask this nameserver instead of the system's")
      ->type_name("ADDR[@PORT]")
      ->excludes(zone);
  command.add_flag("--no-dnssec", options.no_dnssec, "do not validate with DNSSEC");
}

Result<std::vector<NameServer>> name_servers(const DnsOptions& options) {
  std::vector<NameServer> servers;
  for (const std::string& text : options.nameservers) {
    const auto server = NameServer::parse(text);
    if (!server) {
      return Error{
          fmt::format("nameserver \"{}\" is not ADDRESS or ADDRESS@PORT", printable(text))};
    }
    servers.push_back(*server);
  }
  return servers;
}

CLI::Option* add_repeatable(CLI::App& command, const std::string& name,
                            std::vector<std::string>& values, const std::string& description) {
  return command.add_option(name, values, description)
      ->type_size(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Result<Config> read_configuration(const CommonOptions& options) {
  if (!options.config_file.empty()) return load_config(options.config_file, host_name());
  std::error_code ignored;
  if (std::filesystem::exists(kDefaultConfigFile, ignored)) {
    return load_config(kDefaultConfigFile, host_name());
  }
  return parse_config("", "built-in defaults", host_name());
}

void add_time_option(CLI::App& command, TimeOption& time, const std::string& description) {
  command.add_option("--time", time, description)->check(epoch())->type_name("EPOCH");
}

std::int64_t time_or_now(const TimeOption& option) {
  if (option) return *option;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

CLI::Validator ip_address() {
  return {[](const std::string& text) {
            return IpAddress::parse(text) ? "" : "\"" + text + "\" is not an IP address";
          },
          ""};
}

CLI::Validator domain_name() {
  return {[](const std::string& text) {
            return DomainName::parse(text) ? "" : "\"" + text + "\" is not a domain name";
          },
          ""};
}

CLI::Validator selector() {
  return {[](const std::string& text) {
            const auto selector = Selector::of_own_key(text);
            return selector ? std::string() : selector.error().message;
          },
          ""};
}

}  // namespace authmilter::tools
