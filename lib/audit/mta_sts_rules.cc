#include <algorithm>
#include <optional>

#include "audit/mail_hosts.h"
#include "audit/verdicts.h"
#include "message/tag_list.h"

namespace authmilter {
namespace {

constexpr std::string_view kMtaStsPage =
    "MTA-STS tells senders that mail to this domain goes only over TLS, to hosts whose certificate "
    "is good. It consists of a TXT record at _mta-sts and of a file on a web server; it works "
    "without DNSSEC, and large providers that do not use DANE look at it.\n\n"
    "The record says that there is a policy, and its id changes whenever the policy does. Without "
    "the record nobody fetches the policy.\n\n"
    "Publish \"v=STSv1; id=20261129T120000\" at _mta-sts under the domain and the policy at "
    "https://mta-sts.DOMAIN/.well-known/mta-sts.txt.";

constexpr std::string_view kTlsReportPage =
    "TLSRPT asks those who send mail to this domain for a daily report on deliveries whose "
    "encryption failed: wrong certificates, DANE records that do not fit, policies that cannot be "
    "fetched.\n\n"
    "Whoever uses DANE or MTA-STS learns by it that mail is kept back before people ask where it "
    "is.\n\n"
    "Publish \"v=TLSRPTv1; rua=mailto:tls-reports@example.org\" at _smtp._tls under the domain.";

constexpr std::string_view kBimiPage =
    "BIMI names a picture that some mail programs show beside mail of the domain. It needs DMARC "
    "with p=quarantine or p=reject, and most programs want a certificate for the logo as well.\n\n"
    "It protects nothing. Where there is a record, it must be right: \"v=BIMI1; "
    "l=https://example.org/logo.svg; a=https://example.org/logo.pem\" at default._bimi.";

/// The TXT records below the domain that begin as those of a method do.
struct MethodRecords {
  std::string name;  // where they are
  DnsQuestion question;
  DnsAnswerRef answer;
  std::vector<std::string> texts;
};

std::optional<MethodRecords> find_records(const RuleInput& input, std::string_view below,
                                          std::string_view version) {
  const auto name = input.facts.domain.below(below);
  if (!name) return std::nullopt;
  MethodRecords found{name->text(), {*name, RrType::txt}, nullptr, {}};
  found.answer = input.dns.resolve(found.question);
  for (std::string& text : found.answer->texts()) {
    if (text.starts_with(version)) found.texts.push_back(std::move(text));
  }
  return found;
}

bool takes_mail(const RuleInput& input) {
  return !find_mail_hosts(input.facts.domain, input.dns).hosts.empty();
}

/// What all three have in common: DNS trouble, no record, several. Nothing: there is one.
std::optional<Verdicts> without_one_record(const MethodRecords& found, CheckStatus missing,
                                           const std::string& example) {
  if (found.answer->status == DnsStatus::temperror)
    return Verdicts{undecided({found.question, found.answer->fault})};
  if (found.texts.empty()) {
    std::string evidence = "there is no such record at " + found.name;
    for (const std::string& text : found.answer->texts())
      evidence += "; this is none: " + in_quotes(text);
    return one_verdict(missing, evidence,
                       "Publish \"" + example + "\" as TXT record at " + found.name + ".");
  }
  if (found.texts.size() == 1) return std::nullopt;
  std::string evidence = std::to_string(found.texts.size()) + " records at " + found.name;
  for (const std::string& text : found.texts) evidence += ", " + in_quotes(text);
  return one_verdict(CheckStatus::fail, evidence,
                     "Delete all but one of them; until then none counts.");
}

/// RFC 8461 section 3.1: 1*32(ALPHA / DIGIT).
bool is_policy_id(std::string_view id) {
  return !id.empty() && id.size() <= 32 && std::all_of(id.begin(), id.end(), is_alnum);
}

Verdicts judge_mta_sts(const RuleInput& input) {
  const auto found = find_records(input, "_mta-sts", "v=STSv1");
  if (!found || (!takes_mail(input) && found->texts.empty())) return {};
  if (auto verdicts = without_one_record(*found, CheckStatus::warn, "v=STSv1; id=1"))
    return *verdicts;
  const std::string& text = found->texts.front();
  const TagList tags(text);
  const auto id = tags ? tags.find("id") : std::nullopt;
  if (tags && tags.find("v") == "STSv1" && id && is_policy_id(*id)) return passes(in_quotes(text));
  return one_verdict(
      CheckStatus::fail, in_quotes(text) + " has no id of 1 to 32 letters and digits",
      "Publish \"v=STSv1; id=1\" with an id that changes with the policy at " + found->name + ".");
}

/// RFC 8460 section 3: "mailto:" or "https:" URIs with commas between them.
bool are_destinations(std::string_view list) {
  const auto uris = split(list, ',');
  return std::all_of(uris.begin(), uris.end(), [](std::string_view piece) {
    const std::string_view uri = trim_wsp(piece);
    const bool mail = starts_with_ignoring_case(uri, "mailto:");
    const std::size_t at = uri.find('@');
    if (mail) return at != std::string_view::npos && DomainName::parse(uri.substr(at + 1));
    return starts_with_ignoring_case(uri, "https://") && uri.size() > 8;
  });
}

Verdicts judge_tls_report(const RuleInput& input) {
  const auto found = find_records(input, "_smtp._tls", "v=TLSRPTv1");
  if (!found || (!takes_mail(input) && found->texts.empty())) return {};
  const std::string example = "v=TLSRPTv1; rua=mailto:tls@" + input.facts.domain.text();
  if (auto verdicts = without_one_record(*found, CheckStatus::warn, example)) return *verdicts;
  const std::string& text = found->texts.front();
  const TagList tags(text);
  const auto rua = tags ? tags.find("rua") : std::nullopt;
  if (tags && tags.find("v") == "TLSRPTv1" && rua && are_destinations(*rua))
    return passes(in_quotes(text));
  return one_verdict(CheckStatus::fail, in_quotes(text) + " has no rua that reports can be sent to",
                     "Publish \"" + example + "\" at " + found->name + ".");
}

Verdicts judge_bimi(const RuleInput& input) {
  const auto found = find_records(input, "default._bimi", "v=BIMI1");
  if (!found || (!takes_mail(input) && found->texts.empty())) return {};
  if (found->texts.empty() && found->answer->status != DnsStatus::temperror)
    return one_verdict(CheckStatus::info, "there is no record at " + found->name, "");
  if (auto verdicts = without_one_record(*found, CheckStatus::info, "")) return *verdicts;
  const std::string& text = found->texts.front();
  const TagList tags(text);
  const auto location = tags ? tags.find("l") : std::nullopt;
  // An empty l= says that there is no logo, on purpose.
  if (location && (location->empty() || starts_with_ignoring_case(*location, "https://")))
    return passes(in_quotes(text));
  return one_verdict(
      CheckStatus::warn, in_quotes(text) + " has no l=https://",
      "Name the picture by l=https://, or delete the record at " + found->name + ".");
}

constexpr AuditRule kRules[] = {
    {"mtasts.record", "MTA-STS is announced", "the TXT record at _mta-sts", "RFC 8461 section 3.1",
     "", kMtaStsPage, judge_mta_sts},
    {"tlsrpt.exists", "Reports about TLS are asked for", "the TXT record at _smtp._tls",
     "RFC 8460 section 3", "", kTlsReportPage, judge_tls_report},
    {"bimi.record", "A logo is announced rightly", "the TXT record at default._bimi",
     "draft-brand-indicators-for-message-identification section 4", "", kBimiPage, judge_bimi},
};

}  // namespace

std::span<const AuditRule> mta_sts_rules() { return kRules; }

}  // namespace authmilter
