#include "audit/served_tls.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace authmilter {
namespace {

constexpr std::int64_t kDay = 86'400;

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// "TLS 1.2 (ECDHE-RSA-AES256-GCM-SHA384)".
std::string shown(const TlsOffer& offer) {
  std::string text(to_string(offer.version));
  if (!offer.cipher.empty()) text += " (" + offer.cipher + ")";
  return text;
}

bool is_open(const TlsOffer& offer) {
  return offer.state == OfferState::unanswered || offer.state == OfferState::not_probed;
}

/// How the versions are set in the program that most likely serves here.
std::string version_setting(const ServerFacts& server) {
  constexpr std::string_view kPostfix =
      "In Postfix (3.6 and newer) set smtpd_tls_protocols = >=TLSv1.2 and "
      "smtpd_tls_mandatory_protocols = >=TLSv1.2";
  constexpr std::string_view kDovecot = "In Dovecot set ssl_min_protocol = TLSv1.2";
  switch (server.protocol) {
    case ServerProtocol::smtp:
    case ServerProtocol::submission:
    case ServerProtocol::submissions:
      return std::string(kPostfix);
    case ServerProtocol::imap:
    case ServerProtocol::imaps:
    case ServerProtocol::pop3:
    case ServerProtocol::pop3s:
      return std::string(kDovecot);
    case ServerProtocol::https:
      return "In nginx set ssl_protocols TLSv1.2 TLSv1.3";
  }
  return std::string(kPostfix);
}

std::string chain_setting(const ServerFacts& server) {
  switch (server.protocol) {
    case ServerProtocol::smtp:
    case ServerProtocol::submission:
    case ServerProtocol::submissions:
      return "smtpd_tls_chain_files of Postfix";
    case ServerProtocol::imap:
    case ServerProtocol::imaps:
    case ServerProtocol::pop3:
    case ServerProtocol::pop3s:
      return "ssl_cert of Dovecot";
    case ServerProtocol::https:
      return "ssl_certificate of nginx";
  }
  return {};
}

std::string cipher_setting(const ServerFacts& server) {
  switch (server.protocol) {
    case ServerProtocol::smtp:
    case ServerProtocol::submission:
    case ServerProtocol::submissions:
      return "In Postfix set tls_high_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20, "
             "smtpd_tls_ciphers = high, smtpd_tls_mandatory_ciphers = high and "
             "smtpd_tls_exclude_ciphers = aNULL, eNULL.";
    case ServerProtocol::imap:
    case ServerProtocol::imaps:
    case ServerProtocol::pop3:
    case ServerProtocol::pop3s:
      return "In Dovecot set ssl_cipher_list = ECDHE+AESGCM:ECDHE+CHACHA20.";
    case ServerProtocol::https:
      return "In nginx set ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20.";
  }
  return {};
}

}  // namespace

ServerRole role_of(const ServerFacts& server) {
  return server.protocol == ServerProtocol::smtp ? ServerRole::mail_exchanger
                                                 : ServerRole::for_devices;
}

std::string subject_of(const ServerFacts& server) {
  std::string text = server.host;
  if (server.address) text += " " + server.address->text();
  if (role_of(server) == ServerRole::for_devices)
    text += fmt::format(" port {} ({})", server.port, to_string(server.protocol));
  return text;
}

bool reached_tls(const ServerFacts& server) { return !server.versions.empty(); }

bool lacks_starttls(const ServerFacts& server) {
  if (!server.connected || server.starttls || begins_with_tls(server.protocol)) return false;
  return server.trouble.empty() || server.trouble == kStarttlsNotOffered ||
         server.trouble.starts_with("EHLO was answered by 5");
}

bool offers(const ServerFacts& server, TlsVersion version) {
  return std::any_of(server.versions.begin(), server.versions.end(), [&](const TlsOffer& offer) {
    return offer.version == version && offer.state == OfferState::offered;
  });
}

bool offers_new_tls(const ServerFacts& server, const AuditProfile& profile) {
  return std::any_of(server.versions.begin(), server.versions.end(), [&](const TlsOffer& offer) {
    return offer.version >= profile.oldest_tls && offer.state == OfferState::offered;
  });
}

Verdict judge_new_versions(const ServerFacts& server, const AuditProfile& profile) {
  std::vector<std::string> found;
  std::string why;
  bool open = false;
  for (const TlsOffer& offer : server.versions) {
    if (offer.version < profile.oldest_tls) continue;
    if (offer.state == OfferState::offered) found.push_back(shown(offer));
    open = open || is_open(offer);
    why = offer.detail;
  }
  const std::string subject = subject_of(server);
  if (!found.empty()) return {CheckStatus::pass, subject, listed(found), {}};
  const std::string oldest(to_string(profile.oldest_tls));
  if (open)
    return {CheckStatus::unknown, subject, "the server did not answer: " + why,
            "Try again; if it stays so, look at the server's log."};
  return {CheckStatus::fail, subject,
          "neither " + oldest + " nor anything newer is offered (" + why + ")",
          version_setting(server) +
              "; where that does not help the program or its TLS library is "
              "too old and must be replaced."};
}

Verdict judge_ssl3(const ServerFacts& server) {
  const std::string subject = subject_of(server);
  const auto ssl3 =
      std::find_if(server.versions.begin(), server.versions.end(),
                   [](const TlsOffer& offer) { return offer.version == TlsVersion::ssl_3; });
  if (ssl3 != server.versions.end() && ssl3->state == OfferState::refused)
    return {CheckStatus::pass, subject, "SSLv3 is refused", {}};
  if (ssl3 != server.versions.end() && ssl3->state == OfferState::offered)
    return {CheckStatus::fail, subject, "SSLv3 is offered", version_setting(server) + "."};
  const std::string why = ssl3 == server.versions.end() || ssl3->detail.empty()
                              ? std::string("it was not tried")
                              : ssl3->detail;
  return {CheckStatus::unknown, subject, "SSLv3 could not be tried: " + why,
          "Look at the server's own settings, which must leave SSLv3 out. " +
              version_setting(server) + ". TLS libraries of the last years have no SSLv3 at all."};
}

Verdict judge_old_versions(const ServerFacts& server, const AuditProfile& profile) {
  std::vector<std::string> found;
  std::string why;
  for (const TlsOffer& offer : server.versions) {
    if (offer.version >= profile.oldest_tls || offer.version == TlsVersion::ssl_3) continue;
    if (offer.state == OfferState::offered) found.push_back(shown(offer));
    if (is_open(offer)) why = std::string(to_string(offer.version)) + ": " + offer.detail;
  }
  const std::string subject = subject_of(server);
  if (!found.empty()) {
    // Postfix of Debian 12 has "!SSLv2, !SSLv3", nginx and Dovecot of the same system less.
    std::string remedy = version_setting(server) + ".";
    if (server.protocol == ServerProtocol::smtp || server.protocol == ServerProtocol::submission ||
        server.protocol == ServerProtocol::submissions)
      remedy += " Postfix 3.7, as in Debian 12, takes TLS 1.0 and 1.1 unless it is told not to.";
    return {profile.old_tls_fails ? CheckStatus::fail : CheckStatus::warn, subject,
            "also offered: " + listed(found), std::move(remedy)};
  }
  if (!why.empty())
    return {CheckStatus::unknown, subject, "not known: " + why,
            "Try again; if it stays so, look at the server's own settings."};
  return {CheckStatus::pass,
          subject,
          "nothing older than " + std::string(to_string(profile.oldest_tls)) + " is offered",
          {}};
}

Verdict judge_weak_ciphers(const ServerFacts& server, const AuditProfile& profile) {
  std::vector<std::string> chosen, weak, untried;
  CheckStatus status = CheckStatus::pass;
  bool open = false;
  for (const TlsOffer& offer : server.versions) {
    if (offer.state == OfferState::offered && !offer.cipher.empty()) chosen.push_back(shown(offer));
  }
  for (const CipherOffer& offer : server.weak_ciphers) {
    const std::string kind(to_string(offer.kind));
    switch (offer.state) {
      case OfferState::offered: {
        const bool fails = std::find(profile.failing_ciphers.begin(), profile.failing_ciphers.end(),
                                     offer.kind) != profile.failing_ciphers.end();
        status = worse(status, fails ? CheckStatus::fail : CheckStatus::warn);
        weak.push_back(kind + (offer.cipher.empty() ? "" : " (" + offer.cipher + ")"));
        break;
      }
      case OfferState::not_probed:
        untried.push_back(kind);
        break;
      case OfferState::unanswered:
        open = true;
        break;
      case OfferState::refused:
        break;
    }
  }
  std::string evidence = "chosen: " + (chosen.empty() ? std::string("nothing") : listed(chosen));
  if (!weak.empty()) evidence += "; also accepted: " + listed(weak);
  if (!untried.empty())
    evidence += "; could not be tried with this TLS library: " + listed(untried);
  if (weak.empty() && open)
    return {CheckStatus::unknown, subject_of(server), evidence + "; the server did not answer",
            "Try again; if it stays so, look at the server's own settings."};
  return {status, subject_of(server), std::move(evidence),
          weak.empty() ? std::string() : cipher_setting(server)};
}

std::optional<CertificateFacts> own_certificate(const ServerFacts& server) {
  if (server.chain.empty()) return std::nullopt;
  return read_certificate(server.chain.front());
}

Verdict judge_chain(const ServerFacts& server) {
  const std::string subject = subject_of(server);
  const auto own = own_certificate(server);
  const std::string who = own ? " (issuer " + own->issuer + ")" : std::string();
  switch (server.trust) {
    case ChainTrust::trusted:
      return {CheckStatus::pass, subject, "leads to a recognised authority" + who, {}};
    case ChainTrust::not_checked:
      return {CheckStatus::unknown, subject, "was not checked: " + server.trust_detail,
              "Install the system's list of authorities (ca-certificates), or name one by "
              "--tls-ca."};
    case ChainTrust::untrusted:
      break;
  }
  std::string remedy;
  if (own && own->self_signed) {
    remedy =
        "Get a certificate of a recognised authority, for example of Let's Encrypt with "
        "certbot, and put its fullchain.pem into " +
        chain_setting(server) + ".";
  } else if (server.chain.size() == 1) {
    remedy =
        "The server sends its own certificate only: put the authority's intermediate "
        "certificate behind it, in the file that is named by " +
        chain_setting(server) + " (fullchain.pem, not cert.pem).";
  } else {
    remedy =
        "Get a certificate of an authority that Mozilla and Microsoft both recognise, and put "
        "the whole chain into the file that is named by " +
        chain_setting(server) + ".";
  }
  return {CheckStatus::fail, subject,
          "does not lead to a recognised authority: " + server.trust_detail + who,
          std::move(remedy)};
}

Verdict judge_name(const ServerFacts& server, const CertificateFacts& own) {
  constexpr std::size_t kShownNames = 10;
  std::vector<std::string> names(own.dns_names.begin(),
                                 own.dns_names.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                             own.dns_names.size(), kShownNames)));
  if (own.dns_names.size() > kShownNames) names.emplace_back("...");
  const std::string evidence =
      names.empty() ? "the certificate has no name (subjectAltName)" : "for " + listed(names);
  if (certificate_has_name(own, server.host))
    return {CheckStatus::pass, subject_of(server), evidence, {}};
  return {CheckStatus::fail, subject_of(server), evidence + ", not for " + server.host,
          "Get a certificate that has the name " + server.host + " (certbot: -d " + server.host +
              "), or use a name here that the certificate has."};
}

std::string day_of(std::int64_t time) {
  const auto seconds = static_cast<std::time_t>(time);
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "?";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

Verdict judge_dates(const ServerFacts& server, const CertificateFacts& own,
                    const AuditProfile& profile, std::int64_t time) {
  const std::string subject = subject_of(server);
  const std::string evidence =
      "valid from " + day_of(own.not_before) + " to " + day_of(own.not_after);
  const std::string renew =
      "Renew the certificate now and have that done by a timer (certbot installs one); reload the "
      "mail server afterwards, which keeps the old one until then.";
  if (time > own.not_after) return {CheckStatus::fail, subject, evidence + ": expired", renew};
  if (time < own.not_before)
    return {CheckStatus::fail, subject, evidence + ": not valid yet",
            "Look at the clock of the machine that made the certificate, or put back the one "
            "before until its first day."};
  const std::int64_t days = (own.not_after - time) / kDay;
  if (days < static_cast<std::int64_t>(profile.certificate_warn_days))
    return {CheckStatus::warn, subject, fmt::format("{}: {} days are left", evidence, days), renew};
  return {CheckStatus::pass, subject, evidence, {}};
}

}  // namespace authmilter
