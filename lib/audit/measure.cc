#include <algorithm>
#include <iterator>
#include <string>

#include <authmilter/audit.h>

#include "base/word_list.h"

namespace authmilter {
namespace {

/// A point and the rules that must have applied before it is fulfilled, ids separated by blanks:
/// what stands beside them says something, but not enough. One that is another point's tells what
/// could be looked at: what a server without STARTTLS would serve by TLS is not known. Empty: no
/// rule can show it.
struct PointRow {
  MeasurePoint point;
  std::string_view needs;
};

constexpr std::string_view kRunOnServer =
    "Run this command on the mail server itself, where it looks at Postfix and its resolver; for "
    "other software show its settings.";
constexpr std::string_view kNameClientHost =
    "Name the server that your users connect to: --client-host HOST. Where there is no such "
    "service, state so in writing.";
constexpr std::string_view kNameWebmail =
    "Name the web page that mail is read on: --webmail URL. Where there is none, state so in "
    "writing.";
constexpr std::string_view kAskServers =
    "Let this command ask the servers of the MX records, from a network that may reach their port "
    "25; show the settings of servers that only send (smtp_tls_security_level of Postfix).";

constexpr PointRow kPoints[] = {
    {{"1.1", "Each server that takes or sends mail offers and uses encryption (STARTTLS)",
      kAskServers},
     "starttls.offered"},
    {{"1.2.1", "TLS 1.2 or newer is supported between servers", kAskServers},
     "starttls.offered tls.version"},
    {{"1.2.2", "SSLv3 and older are not supported between servers", kAskServers},
     "starttls.offered tls.ssl3"},
    {{"1.2.3", "TLS 1.0 and 1.1 only where it is justified and necessary",
      "Ask the servers as for 1.2.1. Where the old versions have to stay, keep a written reason "
      "and the date on which it was looked at last."},
     "starttls.offered tls.old"},
    {{"1.2.4", "Robust cryptography inside TLS; anything else only where it is justified",
      kAskServers},
     "starttls.offered tls.cipher"},
    {{"1.3",
      "Each server of an MX record has a valid certificate of a recognised authority, for the "
      "name in the record",
      kAskServers},
     "starttls.offered cert.chain cert.name"},
    {{"1.4", "The DNS records by which mail comes in are signed (DNSSEC), by robust algorithms",
      "Ask the DNS with validation: without --no-dnssec, by a resolver that passes signatures on."},
     "dnssec.mx dnssec.host dnssec.algorithm"},
    {{"1.5",
      "Servers that send check the signatures of the DNS, by a resolver on the same host or "
      "network",
      kRunOnServer},
     "resolver.validates resolver.local"},
    {{"1.6",
      "Each server of an MX record has a signed TLSA record (DANE) that fits its certificate",
      kAskServers},
     "starttls.offered dane.exists dane.match"},
    {{"1.7",
      "Servers that send check TLSA records of the other side, and hold mail back where they do "
      "not fit",
      kRunOnServer},
     "postfix.dane"},
    {{"1.8",
      "Between servers that are agreed upon, such as a filter's: robust encryption, no way down "
      "to plain text, each side proves who it is",
      "Show the list of such partners and for each its settings: in Postfix smtp_tls_policy_maps "
      "with \"secure\" or \"dane-only\" for mail to them, and for mail from them a client "
      "certificate, [[network.require_tls]] or a tunnel."},
     ""},
    {{"2.1", "Each protocol between people's devices and the server is encrypted, robustly",
      kNameClientHost},
     "client.cipher"},
    {{"2.2.1", "TLS 1.2 or newer is supported for people's devices", kNameClientHost},
     "client.tls"},
    {{"2.2.2", "SSLv3 and older are not supported for people's devices", kNameClientHost},
     "client.ssl3"},
    {{"2.2.3", "TLS 1.0 and 1.1 for people's devices only where it is justified and necessary",
      kNameClientHost},
     "client.old"},
    {{"2.2.4", "The server's certificate is valid, of an authority that the devices know",
      kNameClientHost},
     "client.cert"},
    {{"2.3", "People send mail by implicit TLS alone (SMTPS, port 465)", kNameClientHost},
     "client.submissions"},
    {{"2.4", "IMAP is offered by implicit TLS alone (IMAPS, port 993)", kNameClientHost},
     "client.imaps"},
    {{"2.5", "POP3 is offered by implicit TLS alone (POP3S, port 995)", kNameClientHost},
     "client.pop3s"},
    {{"2.6", "Mail on the web is reached by HTTPS alone", kNameWebmail}, "webmail.https"},
    {{"2.7",
      "Mail on the web tells browsers to use HTTPS alone (Strict-Transport-Security, longer than "
      "zero)",
      kNameWebmail},
     "webmail.hsts"},
    {{"3.1",
      "The domain has an SPF record with the servers that may send, which ends in ~all or -all",
      "Ask the DNS: its servers gave no answer that counts."},
     "spf.exists"},
    {{"3.2",
      "Mail is signed by DKIM (From, Subject and the body at least), by a robust key in the DNS",
      "Name the selector that your mail is signed by (\"s=\" in its DKIM-Signature field): "
      "--selector NAME. Run this command on the mail server to show what is signed."},
     "dkim.exists dkim.bits"},
    {{"3.3",
      "The domain has a DMARC record that asks for quarantine or reject, for all of its mail",
      "Ask the DNS: its servers gave no answer that counts."},
     "dmarc.exists"},
    {{"3.4",
      "Mail that comes in is checked by SPF; what fails is refused, put aside or clearly marked",
      kRunOnServer},
     "postfix.milter authmilter.spf"},
    {{"3.5", "Mail that comes in is checked by DKIM", kRunOnServer},
     "postfix.milter authmilter.dkim"},
    {{"3.6",
      "Mail that comes in is checked by DMARC; what fails is refused, put aside or clearly marked",
      kRunOnServer},
     "postfix.milter authmilter.dmarc"},
};

/// Whether all that a check is about could be looked at.
bool was_seen(const AuditCheck& check) {
  return check.status != CheckStatus::unknown && check.status != CheckStatus::fail;
}

/// `checks` are those of the point, `all` every one that applied.
PointStatus status_of(const PointRow& row, const std::vector<const AuditCheck*>& checks,
                      std::span<const AuditCheck> all) {
  bool unknown = row.needs.empty() && checks.empty();
  for (const AuditCheck* check : checks) {
    if (check->status == CheckStatus::fail) return PointStatus::not_fulfilled;
    unknown = unknown || check->status == CheckStatus::unknown;
  }
  for_each_word(row.needs, [&](std::string_view id) {
    const auto needed =
        std::find_if(all.begin(), all.end(), [&](const AuditCheck& c) { return c.rule->id == id; });
    unknown = unknown || needed == all.end() || !was_seen(*needed);
  });
  return unknown ? PointStatus::not_testable : PointStatus::fulfilled;
}

/// Whether a check has to do with how the point came out.
bool tells(const AuditCheck& check, PointStatus status) {
  switch (status) {
    case PointStatus::not_fulfilled:
      return check.status == CheckStatus::fail;
    case PointStatus::not_testable:
      return check.status == CheckStatus::unknown;
    case PointStatus::fulfilled:
      return true;
  }
  return true;
}

void add_evidence(PointResult& result, const AuditCheck& check) {
  const std::string evidence = check.evidence();
  if (evidence.empty()) return;
  if (!result.evidence.empty()) result.evidence += "; ";
  result.evidence += std::string(check.rule->id) + ": " + evidence;
}

}  // namespace

std::string_view to_string(PointStatus status) {
  switch (status) {
    case PointStatus::fulfilled:
      return "fulfilled";
    case PointStatus::not_fulfilled:
      return "not-fulfilled";
    case PointStatus::not_testable:
      return "not-testable";
  }
  return "not-testable";
}

std::span<const MeasurePoint> measure_points() {
  static const std::vector<MeasurePoint> points = [] {
    std::vector<MeasurePoint> all;
    for (const PointRow& row : kPoints) all.push_back(row.point);
    return all;
  }();
  return points;
}

std::vector<PointResult> judge_points(std::span<const AuditCheck> checks) {
  std::vector<PointResult> results;
  for (const MeasurePoint& point : measure_points()) {
    const PointRow& row = kPoints[results.size()];
    std::vector<const AuditCheck*> of_point;
    for (const AuditCheck& check : checks) {
      if (has_word(check.rule->points, point.point)) of_point.push_back(&check);
    }
    PointResult result{&point, status_of(row, of_point, checks), ""};
    if (result.status == PointStatus::not_testable) {
      // Another point's check may be why.
      for (const AuditCheck& check : checks) {
        if (!has_word(check.rule->points, point.point) && has_word(row.needs, check.rule->id) &&
            !was_seen(check))
          add_evidence(result, check);
      }
    }
    for (const AuditCheck* check : of_point) {
      if (tells(*check, result.status)) add_evidence(result, *check);
    }
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace authmilter
