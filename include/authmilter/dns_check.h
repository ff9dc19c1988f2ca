#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/result.h>
#include <authmilter/unbound_resolver.h>

namespace authmilter {

/// What check_dns() asks for. The defaults are public names that have stood for years; a private
/// tree has names of its own. `large_name` has TXT records of some thousand octets together;
/// `loopback_name` an A record in 127.0.0.0/8, as every DNS list has it for 127.0.0.2 (RFC 5782
/// section 5); `bogus_name` signatures that are wrong.
struct DnsCheckNames {
  std::string signed_name = "iana.org";
  std::string bogus_name = "dnssec-failed.org";
  std::string large_name = "cisco.com";
  std::string loopback_name = "2.0.0.127.bl.spamcop.net";
};

/// pass: as it should be. warn: mail is judged, but something is missing. fail: mail is judged
/// wrongly or has to wait. unknown: could not be tried.
enum class DnsCheckStatus : std::uint8_t { pass, warn, fail, unknown };
std::string_view to_string(DnsCheckStatus status);

/// One thing that was tried. `evidence` says what was seen, `remedy` what to do (empty for pass);
/// both are sentences without a full stop.
struct DnsCheck {
  std::string id;  // a stable word
  DnsCheckStatus status = DnsCheckStatus::unknown;
  std::string evidence;
  std::string remedy;
};

struct NameServerCheck {
  std::string name_server;  // "ADDRESS" or "ADDRESS@PORT"
  std::vector<DnsCheck> checks;
};

struct DnsCheckReport {
  std::vector<NameServerCheck> name_servers;
  std::vector<DnsCheck> daemon;      // through all of them, as the daemon asks
  std::vector<std::string> notices;  // what the daemon would say in its log
  /// Of all checks the worst: fail before warn, unknown before pass.
  DnsCheckStatus worst() const;
  /// No name server answered at all.
  bool silent() const;
};

/// Tries the name servers that `options` means, each by itself and all of them as the daemon uses
/// them. Takes some seconds where they are slow or silent. An error only where no resolver can be
/// made of the options.
Result<DnsCheckReport> check_dns(const UnboundOptions& options, const DnsCheckNames& names);

}  // namespace authmilter
