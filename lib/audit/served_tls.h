#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/audit.h>

#include "audit/verdicts.h"

namespace authmilter {

// What rules say of what one server offers by TLS. Mail servers and those of people's devices are
// judged alike; the remedies differ, as other programs serve them.

enum class ServerRole : std::uint8_t { mail_exchanger, for_devices };
ServerRole role_of(const ServerFacts& server);

/// "mx.example.org 192.0.2.1"; with its port unless that is 25.
std::string subject_of(const ServerFacts& server);
/// A ServerHello of some version came, or each was refused: there is something to judge.
bool reached_tls(const ServerFacts& server);
/// The server answered in plain text, and named no way to TLS.
bool lacks_starttls(const ServerFacts& server);
bool offers(const ServerFacts& server, TlsVersion version);
/// Of a version of the profile's, or newer.
bool offers_new_tls(const ServerFacts& server, const AuditProfile& profile);

// Each about one server that reached TLS.
Verdict judge_new_versions(const ServerFacts& server, const AuditProfile& profile);
Verdict judge_ssl3(const ServerFacts& server);
Verdict judge_old_versions(const ServerFacts& server, const AuditProfile& profile);
Verdict judge_weak_ciphers(const ServerFacts& server, const AuditProfile& profile);

// Each about one server that served a certificate.
Verdict judge_chain(const ServerFacts& server);
Verdict judge_name(const ServerFacts& server, const CertificateFacts& own);
Verdict judge_dates(const ServerFacts& server, const CertificateFacts& own,
                    const AuditProfile& profile, std::int64_t time);
std::optional<CertificateFacts> own_certificate(const ServerFacts& server);

/// "2026-11-29".
std::string day_of(std::int64_t time);

}  // namespace authmilter
