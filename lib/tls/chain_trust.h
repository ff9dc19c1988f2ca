#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <authmilter/tls_probe.h>

namespace authmilter {

struct ChainVerdict {
  ChainTrust trust = ChainTrust::not_checked;
  std::string detail;  // OpenSSL's words for what is wrong; empty when trusted
};

/// Whether a chain as it was served, DER, the server's own certificate first, leads to an authority
/// of `ca_file` (PEM), or of the system's where that is empty (RFC 5280 section 6). The dates of
/// the server's own certificate are not looked at, nor is its name: rules tell of those apart.
ChainVerdict verify_chain(std::span<const std::string> chain, const std::string& ca_file);

}  // namespace authmilter
