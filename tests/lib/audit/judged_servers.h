#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <authmilter/audit.h>

#include "support/made_certificates.h"

namespace authmilter::servers {

using made::kDay;
using made::kNow;

/// The certificates of the good servers: made once.
inline const made::Chain& good_chain() {
  static const made::Chain chain;
  return chain;
}

inline AuditProfile profile() {
  AuditProfile one;
  one.failing_ciphers = {CipherKind::null, CipherKind::anonymous, CipherKind::export_grade,
                         CipherKind::rc4, CipherKind::triple_des};
  one.weak_signatures = {"md5", "sha1"};
  return one;
}

/// A server with TLS 1.2 and 1.3 and nothing weak.
inline ServerFacts good(ServerProtocol protocol = ServerProtocol::smtp) {
  ServerFacts facts;
  facts.protocol = protocol;
  facts.host = "mx.example.org";
  facts.address = IpAddress::parse("192.0.2.1");
  facts.port = usual_port(protocol);
  facts.connected = true;
  facts.starttls = !begins_with_tls(protocol);
  facts.greeting = facts.starttls ? "220 mx.example.org" : "";
  for (const TlsVersion version : {TlsVersion::ssl_3, TlsVersion::tls_1_0, TlsVersion::tls_1_1,
                                   TlsVersion::tls_1_2, TlsVersion::tls_1_3}) {
    TlsOffer offer{version, OfferState::refused, {}, {}, "alert 70, protocol version"};
    if (version >= TlsVersion::tls_1_2)
      offer = {version, OfferState::offered, "ECDHE-ECDSA-AES256-GCM-SHA384", "X25519", {}};
    if (version == TlsVersion::ssl_3)
      offer = {version, OfferState::not_probed, {}, {}, "this build of OpenSSL has no SSLv3"};
    facts.versions.push_back(offer);
  }
  for (const CipherKind kind :
       {CipherKind::null, CipherKind::anonymous, CipherKind::export_grade, CipherKind::rc4,
        CipherKind::triple_des, CipherKind::cbc_sha1, CipherKind::no_forward_secrecy})
    facts.weak_ciphers.push_back({kind, OfferState::refused, {}});
  facts.chain = good_chain().served();
  facts.trust = ChainTrust::trusted;
  return facts;
}

inline TlsOffer& version_of(ServerFacts& server, TlsVersion version) {
  return server.versions.at(static_cast<std::size_t>(version));
}
inline CipherOffer& kind_of(ServerFacts& server, CipherKind kind) {
  return server.weak_ciphers.at(static_cast<std::size_t>(kind));
}

inline DomainFacts domain_with(std::vector<ServerFacts> all) {
  DomainFacts facts{DomainName::parse("example.org").value(), {}, {}, true, {}, {}, {}};
  facts.servers = std::move(all);
  return facts;
}

/// What one rule says.
inline std::vector<Verdict> verdicts_of(const DomainFacts& facts, std::string_view id,
                                        const AuditProfile& judged_by = profile()) {
  FactsResolver dns(facts.dns);
  const AuditRule* rule = find_audit_rule(id);
  if (rule == nullptr) throw std::invalid_argument("no rule " + std::string(id));
  return rule->judge({facts, dns, nullptr, judged_by, kNow});
}

/// What the rules of some families say that are not content, "tls.version=fail"; information does
/// not count.
inline std::string complaints(const DomainFacts& facts, std::span<const AuditRule> rules,
                              const AuditProfile& judged_by = profile()) {
  FactsResolver dns(facts.dns);
  std::string text;
  for (const AuditRule& rule : rules) {
    CheckStatus status = CheckStatus::pass;
    for (const Verdict& verdict : rule.judge({facts, dns, nullptr, judged_by, kNow}))
      status = worse(status, verdict.status);
    if (status == CheckStatus::pass || status == CheckStatus::info) continue;
    text += (text.empty() ? "" : " ") + std::string(rule.id) + "=" + std::string(to_string(status));
  }
  return text;
}

}  // namespace authmilter::servers
