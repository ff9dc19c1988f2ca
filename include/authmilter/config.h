#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/arc_config.h>
#include <authmilter/dns_config.h>
#include <authmilter/domain_name.h>
#include <authmilter/message.h>
#include <authmilter/network_set.h>
#include <authmilter/policy.h>
#include <authmilter/reports_config.h>
#include <authmilter/result.h>
#include <authmilter/rotation_config.h>
#include <authmilter/signing_config.h>
#include <authmilter/socket_address.h>
#include <authmilter/tls_requirement.h>

namespace authmilter {

enum class VerifyMode : std::uint8_t { enforce, monitor };
enum class LogTarget : std::uint8_t { journal, syslog, stderr_stream };
enum class LogFormat : std::uint8_t { text, json };
enum class LogLevel : std::uint8_t { error, warning, info, debug };

struct MilterConfig {
  std::vector<SocketAddress> sockets = {SocketAddress::of_file("/run/authmilter/authmilter.sock")};
  unsigned socket_mode = 0660;
  std::string socket_group = "postfix";
};

struct VerifyConfig {
  VerifyMode mode = VerifyMode::enforce;
  unsigned maximum_signatures = 10;
  unsigned minimum_rsa_bits = 1024;
  unsigned spf_lookups = 10;      // terms that cost a lookup (RFC 7208 section 4.6.4)
  unsigned spf_void_lookups = 2;  // the same section
  AddedFields added_fields = AddedFields::accept;
  HeaderLimits limits;
};

struct LogConfig {
  LogTarget target = LogTarget::journal;
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::info;
};

/// The whole of authmilter.toml. A default-constructed Config is what an empty file means, except
/// for the authserv-id: load_config() sets it to the host's name, and there are neither verifiers
/// nor signers without one.
struct Config {
  MilterConfig milter;
  std::optional<DomainName> authserv_id;
  std::vector<DomainName> trusted_authserv_ids;
  NetworkSet internal;          // default: loopback
  TlsRequirements require_tls;  // the first that is for a client decides
  DnsConfig dns;
  VerifyConfig verify;
  PolicyConfig policy;
  SigningConfig signing;
  RotationConfig rotation;
  ArcConfig arc;
  ReportsConfig reports;
  LogConfig log;
  std::optional<HostPort> metrics_listen;
};

/// Reads a file, and those of its `signing.directory`. Errors are "file:line:column: message".
/// `host_name` is the default authserv-id. A drop-in that is wrong is a fault in `signing`, not an
/// error: what it said before goes on, as `known` (may be null) has it, which is also asked for
/// those that are unchanged.
Result<Config> load_config(const std::filesystem::path& path, const std::string& host_name,
                           const KnownDropIns* known = nullptr);
/// The same for a text; `name` stands for the file in messages. Relative paths stay relative.
Result<Config> parse_config(std::string_view text, const std::string& name,
                            const std::string& host_name);
/// The effective configuration as TOML, defaults included; parse_config() of it gives the same
/// configuration.
std::string print_config(const Config& config);

/// Every key that a configuration may have, as "section.key", for the manual page's test.
std::vector<std::string> config_keys();

}  // namespace authmilter
