#pragma once

#include <set>
#include <string_view>

#include <authmilter/tls_probe.h>

namespace authmilter {

/// The versions that a list of Postfix allows, as smtpd_tls_protocols has it: "!SSLv2, !SSLv3",
/// "TLSv1.2 TLSv1.3", ">=TLSv1.2". Names that are not known mean nothing here.
std::set<TlsVersion> postfix_tls_versions(std::string_view list);

}  // namespace authmilter
