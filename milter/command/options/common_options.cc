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
std::string check_epoch(const std::string& text) {
  constexpr std::size_t kDigits = 12;  // as in t= and x= (RFC 6376 section 3.5)
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  return digits && !text.empty() && text.size() <= kDigits
             ? ""
             : "\"" + text + "\" is not a number of seconds since 1970";
}

}  // namespace

void add_config_option(const Command& command, CommonOptions& options) {
  command
      .add_text("--config", options.config_file,
                std::string("configuration file (default: ") + kDefaultConfigFile + ")")
      .stands_as("FILE");
}

void add_common_options(const Command& command, CommonOptions& options) {
  add_config_option(command, options);
  command.add_flag("--json", options.json, "write JSON for programs");
}

void add_dns_options(const Command& command, DnsOptions& options) {
  const Option zone = command
                          .add_list("--zone", options.zones,
                                    "answer from this master file only, without the network")
                          .stands_as("FILE");
  command
      .add_list("--nameserver", options.nameservers, "ask this nameserver instead of the system's")
      .stands_as("ADDR[@PORT]")
      .excludes(zone);
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

bool has_configuration(const CommonOptions& options) {
  std::error_code ignored;
  return !options.config_file.empty() || std::filesystem::exists(kDefaultConfigFile, ignored);
}

Result<Config> read_configuration(const CommonOptions& options) {
  if (!options.config_file.empty()) return load_config(options.config_file, host_name());
  if (has_configuration(options)) return load_config(kDefaultConfigFile, host_name());
  return parse_config("", "built-in defaults", host_name());
}

void add_time_option(const Command& command, TimeOption& time, const std::string& description) {
  command.add_number("--time", time, description).check(check_epoch).stands_as("EPOCH");
}

std::int64_t time_or_now(const TimeOption& option) {
  if (option) return *option;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::string check_ip_address(const std::string& text) {
  return IpAddress::parse(text) ? "" : "\"" + text + "\" is not an IP address";
}

std::string check_domain_name(const std::string& text) {
  return DomainName::parse(text) ? "" : "\"" + text + "\" is not a domain name";
}

std::string check_selector(const std::string& text) {
  const auto selector = Selector::of_own_key(text);
  return selector ? std::string() : selector.error().message;
}

}  // namespace authmilter::tools
