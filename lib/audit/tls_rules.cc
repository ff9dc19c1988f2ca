#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "audit/mail_hosts.h"
#include "audit/served_tls.h"
#include "audit/tls_pages.h"
#include "audit/verdicts.h"

namespace authmilter {
namespace {

/// The verdicts of `judge` about each mail exchanger that fulfils `wanted`.
template <class Wanted, class Judge>
Verdicts of_exchangers(const RuleInput& input, Wanted wanted, Judge judge) {
  Verdicts verdicts;
  for (const ServerFacts& server : input.facts.servers) {
    if (role_of(server) == ServerRole::mail_exchanger && wanted(server))
      verdicts.push_back(judge(server));
  }
  return verdicts;
}

Verdict judge_starttls(const ServerFacts& server) {
  const std::string subject = subject_of(server);
  if (!server.connected)
    return {CheckStatus::unknown, subject, server.trouble,
            "Port 25 of this server cannot be reached from here. Many networks block it: run the "
            "audit on a server, or look at the firewall."};
  if (reached_tls(server)) return {CheckStatus::pass, subject, "STARTTLS is offered", {}};
  const std::string remedy =
      "In Postfix set smtpd_tls_security_level = may, and key and certificate in "
      "smtpd_tls_chain_files = /etc/ssl/private/mx.key, /etc/ssl/certs/mx-fullchain.pem.";
  if (lacks_starttls(server))
    return {CheckStatus::fail, subject, "STARTTLS is not offered (" + server.greeting + ")",
            remedy};
  if (server.trouble.starts_with("STARTTLS was answered by"))
    return {CheckStatus::fail, subject, server.trouble,
            "The server offers STARTTLS and then refuses it: its log says why, mostly that the key "
            "or the certificate cannot be read. " +
                remedy};
  return {CheckStatus::unknown, subject, server.trouble,
          "Try again; the server may refuse this client, or be busy."};
}

/// Mail hosts and addresses of theirs that senders may use and nobody has looked at.
void add_unseen(const RuleInput& input, Verdicts& verdicts) {
  constexpr const char* kFewer = "Ask about these by themselves, or publish fewer.";
  const MailHosts found = find_mail_hosts(input.facts.domain, input.dns);
  if (found.left_out != 0) {
    verdicts.push_back({CheckStatus::unknown, "",
                        fmt::format("mail hosts that were not looked at: {}", found.left_out),
                        kFewer});
  }
  for (const MailHost& host : found.hosts) {
    if (!host.name) continue;
    const HostAddresses addresses = find_addresses(*host.name, input.dns);
    for (const auto& [type, answer] :
         {std::pair(RrType::a, addresses.v4), {RrType::aaaa, addresses.v6}}) {
      if (answer->status == DnsStatus::temperror)
        verdicts.push_back(undecided({{*host.name, type}, answer->fault}, host.name->text()));
    }
    const std::size_t published =
        addresses.v4->addresses().size() + addresses.v6->addresses().size();
    if (published > addresses.all().size()) {
      verdicts.push_back(
          {CheckStatus::unknown, host.name->text(),
           fmt::format("{} of its {} addresses were looked at", addresses.all().size(), published),
           kFewer});
    }
    const bool asked = std::any_of(
        input.facts.servers.begin(), input.facts.servers.end(), [&](const ServerFacts& server) {
          return role_of(server) == ServerRole::mail_exchanger && server.host == host.name->text();
        });
    if (published > 0 && !asked) {
      verdicts.push_back({CheckStatus::unknown, host.name->text(), "was not looked at", kFewer});
    }
  }
}

Verdicts judge_offered(const RuleInput& input) {
  Verdicts verdicts = of_exchangers(
      input, [](const ServerFacts& server) { return server.address.has_value(); }, judge_starttls);
  // Where no server was asked there is nothing to complete.
  if (!verdicts.empty()) add_unseen(input, verdicts);
  return verdicts;
}

Verdicts judge_version(const RuleInput& input) {
  return of_exchangers(input, reached_tls, [&](const ServerFacts& server) {
    return judge_new_versions(server, input.profile);
  });
}

Verdicts judge_ssl3_of_all(const RuleInput& input) {
  return of_exchangers(input, reached_tls, judge_ssl3);
}

Verdicts judge_old(const RuleInput& input) {
  return of_exchangers(input, reached_tls, [&](const ServerFacts& server) {
    return judge_old_versions(server, input.profile);
  });
}

Verdicts judge_cipher(const RuleInput& input) {
  return of_exchangers(input, reached_tls, [&](const ServerFacts& server) {
    return judge_weak_ciphers(server, input.profile);
  });
}

// RFC 9325 section 4.4: 2048 bits at least; RFC 7919 section 1: 1024 are within reach.
constexpr unsigned kGoodDhBits = 2048;
constexpr unsigned kBrokenDhBits = 1024;
// RFC 8422 section 5.1.1: curves of 160 to 239 bits are gone.
constexpr unsigned kGoodCurveBits = 224;

/// "DH 1024": 1024; "secp192r1": 192. Nothing for names without such a number.
std::optional<unsigned> bits_in(std::string_view group, std::string_view prefix) {
  if (!group.starts_with(prefix)) return std::nullopt;
  group.remove_prefix(prefix.size());
  unsigned bits = 0;
  const auto [end, failure] = std::from_chars(group.data(), group.data() + group.size(), bits);
  if (failure != std::errc()) return std::nullopt;
  return bits;
}

CheckStatus status_of_group(std::string_view group) {
  if (const auto bits = bits_in(group, "DH ")) {
    if (*bits <= kBrokenDhBits) return CheckStatus::fail;
    return *bits < kGoodDhBits ? CheckStatus::warn : CheckStatus::pass;
  }
  for (const std::string_view prefix : {"secp", "sect", "prime"}) {
    if (const auto bits = bits_in(group, prefix))
      return *bits < kGoodCurveBits ? CheckStatus::fail : CheckStatus::pass;
  }
  return CheckStatus::pass;
}

Verdict judge_groups(const ServerFacts& server) {
  Verdict verdict{CheckStatus::pass, subject_of(server), {}, {}};
  bool hybrid = false;
  for (const TlsOffer& offer : server.versions) {
    if (offer.state != OfferState::offered || offer.group.empty()) continue;
    verdict.status = worse(verdict.status, status_of_group(offer.group));
    hybrid = hybrid || offer.group.find("MLKEM") != std::string::npos;
    verdict.evidence += (verdict.evidence.empty() ? "" : ", ") +
                        std::string(to_string(offer.version)) + " " + offer.group;
  }
  if (verdict.evidence.empty()) verdict.evidence = "no group was agreed upon";
  if (hybrid) verdict.evidence += "; withstands quantum computers";
  if (verdict.status != CheckStatus::pass)
    verdict.remedy =
        "In Postfix set smtpd_tls_eecdh_grade = auto and leave smtpd_tls_dh1024_param_file empty, "
        "or let it name a file of `openssl dhparam 2048`.";
  return verdict;
}

Verdicts judge_group(const RuleInput& input) {
  const auto has_handshake = [](const ServerFacts& server) {
    return std::any_of(server.versions.begin(), server.versions.end(), [](const TlsOffer& offer) {
      return offer.state == OfferState::offered && !offer.cipher.empty();
    });
  };
  return of_exchangers(input, has_handshake, judge_groups);
}

Verdict judge_hello_size(const ServerFacts& server) {
  if (!server.needs_small_hello)
    return {CheckStatus::pass,
            subject_of(server),
            "a ClientHello as this library makes it was "
            "answered",
            {}};
  return {
      CheckStatus::warn, subject_of(server),
      "a ClientHello with post-quantum groups, of more than one packet, got no answer; one with "
      "classical groups did",
      "Update the firewall or the load balancer in front of the server, or turn its inspection "
      "of TLS off for port 25: senders with new software do not get through."};
}

Verdicts judge_hello(const RuleInput& input) {
  return of_exchangers(input, reached_tls, judge_hello_size);
}

bool has_chain(const ServerFacts& server) { return !server.chain.empty(); }

Verdict unreadable(const ServerFacts& server) {
  return {CheckStatus::fail, subject_of(server), "what is served is not a certificate",
          "Put a certificate in PEM form into smtpd_tls_chain_files."};
}

Verdicts judge_cert_chain(const RuleInput& input) {
  return of_exchangers(input, has_chain, judge_chain);
}

Verdicts judge_cert_name(const RuleInput& input) {
  return of_exchangers(input, has_chain, [](const ServerFacts& server) {
    const auto own = own_certificate(server);
    return own ? judge_name(server, *own) : unreadable(server);
  });
}

Verdicts judge_cert_expiry(const RuleInput& input) {
  return of_exchangers(input, has_chain, [&](const ServerFacts& server) {
    const auto own = own_certificate(server);
    return own ? judge_dates(server, *own, input.profile, input.time) : unreadable(server);
  });
}

/// Bits below which a key fails; 0 for kinds that have one strength only.
unsigned least_bits(const CertificateFacts& certificate, const AuditProfile& profile) {
  if (certificate.key_type.starts_with("RSA")) return profile.certificate_rsa_bits;
  if (certificate.key_type.starts_with("EC ")) return profile.certificate_ec_bits;
  if (certificate.key_type.starts_with("DSA")) return profile.certificate_rsa_bits;
  return 0;
}

/// The worst of the certificates that were served. A self-signed one at the end is a root: nobody
/// takes it from the server.
template <class IsWeak, class Show>
Verdict judge_strength(const ServerFacts& server, IsWeak is_weak, Show show, std::string remedy) {
  std::string good;
  for (std::size_t i = 0; i < server.chain.size(); ++i) {
    const auto certificate = read_certificate(server.chain[i]);
    if (!certificate || (i > 0 && certificate->self_signed)) continue;
    if (is_weak(*certificate))
      return {CheckStatus::fail, subject_of(server),
              show(*certificate) + " of " + certificate->subject, std::move(remedy)};
    if (i == 0) good = show(*certificate);
  }
  return {CheckStatus::pass, subject_of(server), good, {}};
}

Verdicts judge_cert_key(const RuleInput& input) {
  return of_exchangers(input, has_chain, [&](const ServerFacts& server) {
    return judge_strength(
        server,
        [&](const CertificateFacts& one) { return one.key_bits < least_bits(one, input.profile); },
        [](const CertificateFacts& one) {
          return fmt::format("{}, {} bits", one.key_type, one.key_bits);
        },
        "Get a certificate with a longer key (certbot: --key-type ecdsa, or --rsa-key-size 3072). "
        "If there is a TLSA record, publish that of the new key first.");
  });
}

Verdicts judge_cert_signature(const RuleInput& input) {
  return of_exchangers(input, has_chain, [&](const ServerFacts& server) {
    return judge_strength(
        server,
        [&](const CertificateFacts& one) {
          const std::string name = to_lower(one.signature_algorithm);
          return !one.self_signed &&
                 std::any_of(input.profile.weak_signatures.begin(),
                             input.profile.weak_signatures.end(), [&](const std::string& word) {
                               return name.find(to_lower(word)) != std::string::npos;
                             });
        },
        [](const CertificateFacts& one) { return one.signature_algorithm; },
        "Get a new certificate that is signed with SHA-256 or better.");
  });
}

Verdicts judge_cert_ocsp(const RuleInput& input) {
  return of_exchangers(input, has_chain, [](const ServerFacts& server) {
    return Verdict{CheckStatus::info,
                   subject_of(server),
                   server.ocsp_stapled ? "OCSP is stapled" : "no OCSP is stapled",
                   {}};
  });
}

constexpr AuditRule kRules[] = {
    {"starttls.offered", "Each mail server offers STARTTLS", "each MX host at each address",
     "RFC 3207", "1.1", kStarttlsPage, judge_offered},
    {"tls.version", "TLS 1.2 or newer is offered", "a handshake for each version",
     "RFC 9325 section 3.1.1", "1.2.1", kTlsVersionPage, judge_version},
    {"tls.ssl3", "SSLv3 is not offered", "a handshake, where the library can", "RFC 7568", "1.2.2",
     kTlsSsl3Page, judge_ssl3_of_all},
    {"tls.old", "TLS 1.0 and 1.1 are not offered", "a handshake for each version", "RFC 8996",
     "1.2.3", kTlsOldPage, judge_old},
    {"tls.cipher", "No weak cipher is accepted", "a handshake for each kind of weak cipher",
     "RFC 9325 section 4", "1.2.4", kTlsCipherPage, judge_cipher},
    {"tls.group", "Keys are agreed upon in a strong group", "the group that the server chose",
     "RFC 9325 section 4.4", "1.2.4", kTlsGroupPage, judge_group},
    {"tls.hello", "A large ClientHello gets an answer", "a ClientHello of more than one packet",
     "RFC 8446 section 4.1.2", "", kTlsHelloPage, judge_hello},
    {"cert.chain", "The certificate is of a recognised authority", "the chain that is served",
     "RFC 5280 section 6", "1.3", kCertChainPage, judge_cert_chain},
    {"cert.name", "The certificate has the MX host's name", "the certificate's subjectAltName",
     "RFC 6125 section 6", "1.3", kCertNamePage, judge_cert_name},
    {"cert.expiry", "The certificate is valid and stays so", "the certificate's dates",
     "RFC 5280 section 4.1.2.5", "1.3", kCertExpiryPage, judge_cert_expiry},
    {"cert.key", "The certificate's key is strong", "keys of the chain that is served",
     "RFC 9325 section 4.2", "1.2.4", kCertKeyPage, judge_cert_key},
    {"cert.signature", "The certificate is signed with a strong hash",
     "signatures of the chain that is served", "RFC 9325 section 4.5", "1.2.4", kCertSignaturePage,
     judge_cert_signature},
    {"cert.ocsp", "OCSP stapling, for information", "the handshake", "RFC 6066 section 8", "",
     kCertOcspPage, judge_cert_ocsp},
};

}  // namespace

std::span<const AuditRule> tls_rules() { return kRules; }

}  // namespace authmilter
