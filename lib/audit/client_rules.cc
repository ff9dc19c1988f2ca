#include <algorithm>

#include <fmt/format.h>

#include "audit/client_pages.h"
#include "audit/served_tls.h"
#include "audit/transport_security.h"

namespace authmilter {
namespace {

// What people's devices speak (RFC 8314): with TLS first, and in plain text with STARTTLS.
struct DeviceService {
  ServerProtocol with_tls;
  ServerProtocol in_plain;
  const char* name;
  const char* setting;
};
constexpr DeviceService kSubmission = {
    ServerProtocol::submissions, ServerProtocol::submission, "mail is handed in",
    "In Postfix turn on the service submissions in master.cf (port 465, "
    "smtpd_tls_wrappermode=yes)."};
constexpr DeviceService kImap = {ServerProtocol::imaps, ServerProtocol::imap, "IMAP is offered",
                                 "In Dovecot set ssl = required and port = 993 for the listener "
                                 "imaps, and port = 0 for imap."};
constexpr DeviceService kPop3 = {ServerProtocol::pop3s, ServerProtocol::pop3, "POP3 is offered",
                                 "In Dovecot set ssl = required and port = 995 for the listener "
                                 "pop3s, and port = 0 for pop3."};

// Between servers mail goes to port 25 in plain text; it is no service for devices.
constexpr std::uint16_t kSmtpPort = 25;

bool has_handshake(const ServerFacts& server) {
  return std::any_of(server.versions.begin(), server.versions.end(),
                     [](const TlsOffer& offer) { return offer.state == OfferState::offered; });
}

/// Hosts for devices of which nothing was reached at one of their addresses: what is there nobody
/// knows. A single port that is closed is a service that there is not.
Verdicts hosts_not_reached(const RuleInput& input) {
  Verdicts verdicts;
  const auto& servers = input.facts.servers;
  for (auto one = servers.begin(); one != servers.end(); ++one) {
    if (role_of(*one) != ServerRole::for_devices) continue;
    const auto of_same_host = [&](const ServerFacts& other) {
      return role_of(other) == ServerRole::for_devices && other.host == one->host &&
             other.address == one->address;
    };
    const bool seen = std::any_of(servers.begin(), one, of_same_host);
    const bool reached = std::any_of(one, servers.end(), [&](const ServerFacts& other) {
      return of_same_host(other) && other.connected;
    });
    if (seen || reached) continue;
    verdicts.push_back(
        {CheckStatus::unknown, one->host + (one->address ? " " + one->address->text() : ""),
         "nothing there was reached: " + one->trouble,
         "Look whether the name is right, and ask again from a network that may reach it."});
  }
  return verdicts;
}

/// What one host's address says of one service; nothing when it is not there at all.
std::optional<Verdict> judge_service_of(const RuleInput& input, const ServerFacts& with_tls,
                                        const DeviceService& service) {
  const auto plain = std::find_if(
      input.facts.servers.begin(), input.facts.servers.end(), [&](const ServerFacts& other) {
        return other.protocol == service.in_plain && other.host == with_tls.host &&
               other.address == with_tls.address && other.port != kSmtpPort &&
               other.port != with_tls.port;  // a detour leads all services to one port
      });
  const bool has_plain = plain != input.facts.servers.end() && plain->connected;
  const std::string subject = subject_of(with_tls);
  if (has_handshake(with_tls)) {
    std::string evidence = fmt::format("port {} begins with TLS", with_tls.port);
    if (has_plain) evidence += fmt::format("; port {} is open too", plain->port);
    // Points 2.3 to 2.5: with TLS first, and in no other way.
    if (has_plain && input.profile.prints_measure)
      return Verdict{CheckStatus::fail, subject, std::move(evidence), service.setting};
    return Verdict{CheckStatus::pass, subject, std::move(evidence), {}};
  }
  if (with_tls.connected)
    return Verdict{
        CheckStatus::fail, subject,
        fmt::format("port {} is open, but no TLS came to be: {}", with_tls.port, with_tls.trouble),
        service.setting};
  if (has_plain)
    return Verdict{CheckStatus::fail, subject,
                   fmt::format("{} on port {} only, which begins in plain text ({})", service.name,
                               plain->port, with_tls.trouble),
                   service.setting};
  return std::nullopt;
}

Verdicts judge_service(const RuleInput& input, const DeviceService& service) {
  Verdicts verdicts = hosts_not_reached(input);
  for (const ServerFacts& server : input.facts.servers) {
    if (server.protocol != service.with_tls || !server.address) continue;
    if (auto verdict = judge_service_of(input, server, service))
      verdicts.push_back(std::move(*verdict));
  }
  return verdicts;
}

Verdicts judge_submissions(const RuleInput& input) { return judge_service(input, kSubmission); }
Verdicts judge_imaps(const RuleInput& input) { return judge_service(input, kImap); }
Verdicts judge_pop3s(const RuleInput& input) { return judge_service(input, kPop3); }

/// Dovecot takes a connection whose ends have the same address for a secured one.
bool is_dovecot_next_door(const ServerFacts& server) {
  return server.same_host && server.greeting.find("Dovecot") != std::string::npos;
}

Verdicts judge_plain(const RuleInput& input) {
  Verdicts verdicts = hosts_not_reached(input);
  for (const ServerFacts& server : input.facts.servers) {
    if (begins_with_tls(server.protocol) || !server.connected) continue;
    // An MX host that offers logins to everybody in plain text is one of these too.
    const bool is_exchanger = role_of(server) == ServerRole::mail_exchanger;
    if (is_exchanger && server.plain_logins.empty()) continue;
    if (server.plain_logins.empty()) {
      verdicts.push_back(
          {CheckStatus::pass, subject_of(server), "no way to log in before TLS", {}});
      continue;
    }
    if (is_dovecot_next_door(server)) {
      verdicts.push_back({CheckStatus::unknown, subject_of(server),
                          "Dovecot lets its own host log in before TLS, whatever its settings say",
                          "Ask from another host, or look at Dovecot's settings: "
                          "disable_plaintext_auth = yes and ssl = required, in 2.4 "
                          "auth_allow_cleartext = no."});
      continue;
    }
    std::string ways;
    for (const std::string& way : server.plain_logins) ways += (ways.empty() ? "" : ", ") + way;
    const bool is_mail = is_exchanger || server.protocol == ServerProtocol::submission;
    verdicts.push_back(
        {CheckStatus::fail, subject_of(server), "logs people in before TLS: " + ways,
         is_mail ? "In Postfix set smtpd_tls_auth_only = yes, and on port 25 "
                   "smtpd_sasl_auth_enable = no."
                 : "In Dovecot 2.3 set disable_plaintext_auth = yes and ssl = required, in 2.4 "
                   "auth_allow_cleartext = no."});
  }
  return verdicts;
}

/// The verdicts of `judge` about each server of people's devices that fulfils `wanted`.
template <class Wanted, class Judge>
Verdicts of_device_servers(const RuleInput& input, Wanted wanted, Judge judge) {
  Verdicts verdicts = hosts_not_reached(input);
  for (const ServerFacts& server : input.facts.servers) {
    if (role_of(server) == ServerRole::for_devices && server.port != kSmtpPort && wanted(server))
      verdicts.push_back(judge(server));
  }
  return verdicts;
}

Verdicts judge_tls(const RuleInput& input) {
  return of_device_servers(input, reached_tls, [&](const ServerFacts& server) {
    return judge_new_versions(server, input.profile);
  });
}

Verdicts judge_ssl3_of_all(const RuleInput& input) {
  return of_device_servers(input, reached_tls, judge_ssl3);
}

Verdicts judge_old(const RuleInput& input) {
  return of_device_servers(input, reached_tls, [&](const ServerFacts& server) {
    return judge_old_versions(server, input.profile);
  });
}

Verdicts judge_cipher(const RuleInput& input) {
  return of_device_servers(input, reached_tls, [&](const ServerFacts& server) {
    return judge_weak_ciphers(server, input.profile);
  });
}

/// The first of authority, name and dates that is not in order.
Verdict judge_certificate(const ServerFacts& server, const RuleInput& input) {
  const auto own = own_certificate(server);
  if (!own)
    return {CheckStatus::fail, subject_of(server), "what is served is not a certificate",
            "Put a certificate in PEM form into the file that is configured."};
  Verdict worst = judge_chain(server);
  for (Verdict& next : std::vector{judge_name(server, *own),
                                   judge_dates(server, *own, input.profile, input.time)}) {
    if (worse(worst.status, next.status) != worst.status) worst = std::move(next);
  }
  return worst;
}

Verdicts judge_cert(const RuleInput& input) {
  return of_device_servers(
      input, [](const ServerFacts& server) { return !server.chain.empty(); },
      [&](const ServerFacts& server) { return judge_certificate(server, input); });
}

bool is_https(const FetchFacts& answer) {
  return starts_with_ignoring_case(answer.url, "https://");
}

bool is_redirection(const FetchFacts& answer) {
  return answer.status >= 300 && answer.status < 400 && !answer.location.empty();
}

constexpr const char* kRedirect =
    "Let the web server send everybody to HTTPS; in nginx: server { listen 80; return 301 "
    "https://$host$request_uri; }";

Verdict judge_without_tls(const FetchFacts& answer) {
  if (answer.status == 0)
    return {
        CheckStatus::pass, answer.url, "is not served without TLS (" + answer.trouble + ")", {}};
  if (is_redirection(answer)) {
    const bool secure = starts_with_ignoring_case(answer.location, "https://");
    return {secure ? CheckStatus::pass : CheckStatus::fail, answer.url,
            "leads to " + answer.location, secure ? "" : kRedirect};
  }
  // An error shows no mail and asks for no password.
  if (answer.status >= 400)
    return {CheckStatus::pass, answer.url, fmt::format("answers HTTP {}", answer.status), {}};
  return {CheckStatus::fail, answer.url, fmt::format("answers HTTP {} without TLS", answer.status),
          kRedirect};
}

Verdict judge_with_tls(const FetchFacts& answer) {
  if (!answer.certificate_good)
    return {CheckStatus::fail, answer.url, "the certificate is not good: " + answer.trouble,
            "Get a certificate of a recognised authority for the name in this address."};
  if (answer.status == 0)
    return {CheckStatus::unknown, answer.url, answer.trouble,
            "Look whether the address is right and the server runs."};
  if (is_redirection(answer) && !starts_with_ignoring_case(answer.location, "https://"))
    return {CheckStatus::fail, answer.url, "leads away from TLS, to " + answer.location,
            "Let the web server redirect to addresses with https:// only."};
  return {
      CheckStatus::pass, answer.url, fmt::format("answers HTTP {} with TLS", answer.status), {}};
}

Verdicts judge_webmail(const RuleInput& input) {
  Verdicts verdicts;
  for (const FetchFacts& answer : input.facts.webmail)
    verdicts.push_back(is_https(answer) ? judge_with_tls(answer) : judge_without_tls(answer));
  return verdicts;
}

Verdict judge_transport_security(const FetchFacts& answer) {
  constexpr const char* kSetIt =
      "In nginx: add_header Strict-Transport-Security \"max-age=31536000\" always;";
  if (answer.strict_transport_security.empty())
    return {CheckStatus::fail, answer.url, "no field Strict-Transport-Security", kSetIt};
  // RFC 6797 section 8.1: of several fields the first counts.
  const std::string& field = answer.strict_transport_security.front();
  const auto age = transport_security_age(field);
  if (!age)
    return {CheckStatus::fail, answer.url, "has no max-age that counts: " + in_quotes(field),
            kSetIt};
  if (*age == 0)
    return {CheckStatus::fail, answer.url, "tells browsers to forget it: " + in_quotes(field),
            kSetIt};
  return {CheckStatus::pass, answer.url, in_quotes(field), {}};
}

Verdicts judge_hsts(const RuleInput& input) {
  Verdicts verdicts;
  for (const FetchFacts& answer : input.facts.webmail) {
    // RFC 6797 section 8.1: without good TLS the field does not count.
    if (is_https(answer) && answer.certificate_good && answer.status != 0)
      verdicts.push_back(judge_transport_security(answer));
  }
  return verdicts;
}

constexpr AuditRule kRules[] = {
    {"client.submissions", "Devices hand mail in with TLS first (port 465)",
     "ports 465 and 587 of each --client-host", "RFC 8314 section 3.3", "2.3",
     kClientSubmissionsPage, judge_submissions},
    {"client.imaps", "IMAP has TLS first (port 993)", "ports 993 and 143 of each --client-host",
     "RFC 8314 section 3.2", "2.4", kClientImapsPage, judge_imaps},
    {"client.pop3s", "POP3 has TLS first (port 995)", "ports 995 and 110 of each --client-host",
     "RFC 8314 section 3.1", "2.5", kClientPop3sPage, judge_pop3s},
    {"client.plain", "Nobody logs in before TLS", "ports 25, 587, 143 and 110",
     "RFC 8314 section 4.1", "2.1", kClientPlainPage, judge_plain},
    {"client.tls", "Devices get TLS 1.2 or newer", "a handshake for each version",
     "RFC 9325 section 3.1.1", "2.2.1", kClientTlsPage, judge_tls},
    {"client.ssl3", "Devices do not get SSLv3", "a handshake, where the library can", "RFC 7568",
     "2.2.2", kClientSsl3Page, judge_ssl3_of_all},
    {"client.old", "Devices do not get TLS 1.0 and 1.1", "a handshake for each version", "RFC 8996",
     "2.2.3", kClientOldPage, judge_old},
    {"client.cipher", "Devices get no weak cipher", "a handshake for each kind of weak cipher",
     "RFC 9325 section 4", "2.1", kClientCipherPage, judge_cipher},
    {"client.cert", "Devices get a good certificate", "authority, name and dates",
     "RFC 8314 section 5.1", "2.2.4", kClientCertPage, judge_cert},
    {"webmail.https", "Webmail is reached by HTTPS alone", "each --webmail with and without TLS",
     "RFC 9110 section 4.2.2", "2.6", kWebmailHttpsPage, judge_webmail},
    {"webmail.hsts", "Webmail tells browsers to use HTTPS alone", "Strict-Transport-Security",
     "RFC 6797 section 6.1", "2.7", kWebmailHstsPage, judge_hsts},
};

}  // namespace

std::span<const AuditRule> client_rules() { return kRules; }

}  // namespace authmilter
