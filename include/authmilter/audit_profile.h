#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>
#include <authmilter/tls_probe.h>

namespace authmilter {

/// The floors that rules judge by: data, never constants in a rule. Read from TOML.
struct AuditProfile {
  std::string name = "default";
  std::string title;                   // for people: whose recommendation, of which date
  bool prints_measure = false;         // the measure's points, as a table
  unsigned dkim_rsa_bits = 2048;       // at least; below fails
  unsigned dkim_rsa_bits_warn = 2048;  // below warns
  unsigned certificate_rsa_bits = 2048;
  unsigned certificate_ec_bits = 256;
  unsigned certificate_warn_days = 30;
  TlsVersion oldest_tls = TlsVersion::tls_1_2;  // older ones warn or fail:
  bool old_tls_fails = false;                    // 1.2.3 has "justified" cases: a warning
  std::vector<CipherKind> failing_ciphers;       // others that are offered warn
  std::vector<std::string> weak_signatures;      // of certificates: words in the algorithm's name
  std::vector<unsigned> weak_dnssec_algorithms;  // RFC 8624 numbers that fail
  unsigned spf_lookups_warn = 8;
  unsigned spf_wide_prefix4 = 16;  // networks of this length or shorter warn
  unsigned spf_wide_prefix6 = 32;
  std::vector<std::string> failing_rules;  // ids whose warn counts as a fail
};

/// A built-in profile, or nothing: "default", "strict", "nukib".
const AuditProfile* built_in_profile(std::string_view name);
/// Reads a profile file; what it does not say is as in the default.
Result<AuditProfile> read_audit_profile(const std::string& path);

}  // namespace authmilter
