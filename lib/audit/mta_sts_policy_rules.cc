#include <authmilter/audit.h>

#include <fmt/format.h>

#include "audit/mail_hosts.h"
#include "audit/mta_sts_policy.h"
#include "audit/verdicts.h"

namespace authmilter {
namespace {

// RFC 8461 section 3.2: "weeks or greater".
constexpr std::uint32_t kGoodAge = 7 * 86'400;

constexpr std::string_view kPage =
    "MTA-STS (RFC 8461) is a promise by HTTPS: these are our mail servers, they have TLS and a "
    "good certificate; deliver to no other. It is for senders without DANE, and rests on the same "
    "authorities as the Web.\n\n"
    "A sender that finds the record _mta-sts fetches "
    "https://mta-sts.DOMAIN/.well-known/mta-sts.txt, without following redirections, and keeps "
    "it for max_age seconds. If it cannot be had or read, or if an MX host is missing in it, the "
    "promise is void, or mail to that host is kept back.\n\n"
    "The file has a line \"version: STSv1\", a line \"mode: enforce\", a line \"mx: HOST\" for "
    "each mail host, and a line \"max_age: 604800\". After each change give the record _mta-sts "
    "another id=. Begin with mode: testing and look at the reports (TLSRPT); then say enforce.";

std::string policy_lines(const RuleInput& input) {
  std::string text = "\"version: STSv1\", \"mode: enforce\"";
  for (const MailHost& host : find_mail_hosts(input.facts.domain, input.dns).hosts) {
    if (host.name) text += ", \"mx: " + host.name->text() + "\"";
  }
  return text + ", \"max_age: 604800\"";
}

/// Why the answer is not a policy at all; empty when it may be one.
std::string trouble_of(const FetchFacts& answer) {
  if (!answer.certificate_good)
    return "the certificate of the web server is not good: " + answer.trouble;
  if (answer.status == 0) return "there is no answer: " + answer.trouble;
  // RFC 8461 section 3.3.
  if (answer.status >= 300 && answer.status < 400)
    return fmt::format("the answer is {}, a redirection, which senders do not follow",
                       answer.status);
  if (answer.status != 200) return fmt::format("the answer is HTTP {}", answer.status);
  return answer.trouble;
}

Verdicts judge_read(const MtaStsPolicy& policy, const RuleInput& input) {
  const std::string evidence = fmt::format("mode {}, max_age {}, {} mx", to_string(policy.mode),
                                           policy.max_age, policy.mx.size());
  if (policy.mode == MtaStsMode::none)
    return one_verdict(CheckStatus::info, evidence + ": turned off", {});
  std::string left_out;
  for (const MailHost& host : find_mail_hosts(input.facts.domain, input.dns).hosts) {
    if (!policy.has_mx(host.exchange.text()))
      left_out += (left_out.empty() ? "" : ", ") + printable(host.exchange.text());
  }
  const bool enforces = policy.mode == MtaStsMode::enforce;
  if (!left_out.empty())
    return one_verdict(
        enforces ? CheckStatus::fail : CheckStatus::warn,
        evidence + "; it does not name " + left_out,
        "Add a line \"mx: HOST\" for each of them to the policy, and give the record "
        "at _mta-sts." +
            input.facts.domain.text() +
            " another id: senders that keep to the policy deliver nothing there.");
  if (!enforces)
    return one_verdict(CheckStatus::warn, evidence + ": senders deliver whatever they find",
                       "When the reports (TLSRPT) show no failures, write \"mode: enforce\" and "
                       "give the record _mta-sts another id.");
  if (policy.max_age < kGoodAge)
    return one_verdict(CheckStatus::warn, evidence + ": senders forget it within a week",
                       "Write \"max_age: 604800\" or more.");
  return passes(evidence);
}

Verdicts judge_policy(const RuleInput& input) {
  if (!input.facts.mta_sts_policy) return {};
  const FetchFacts& answer = *input.facts.mta_sts_policy;
  const std::string place =
      "https://mta-sts." + input.facts.domain.text() + "/.well-known/mta-sts.txt";
  if (const std::string trouble = trouble_of(answer); !trouble.empty())
    return one_verdict(CheckStatus::fail, place + ": " + trouble,
                       "Serve the policy there, with a good certificate for mta-sts." +
                           input.facts.domain.text() + ": " + policy_lines(input) +
                           "; or remove the record _mta-sts." + input.facts.domain.text() + ".");
  const auto policy = parse_mta_sts_policy(answer.body);
  if (!policy)
    return one_verdict(CheckStatus::fail, "the policy " + policy.error().message,
                       "Write these lines into it: " + policy_lines(input) + ".");
  Verdicts verdicts = judge_read(*policy, input);
  // RFC 8461 section 3.3: senders are advised to look at the media type.
  if (!answer.content_type.empty() && !starts_with_ignoring_case(answer.content_type, "text/plain"))
    verdicts.push_back({CheckStatus::warn,
                        {},
                        "its media type is " + answer.content_type,
                        "Let the web server send it as text/plain."});
  return verdicts;
}

constexpr AuditRule kRules[] = {
    {"mtasts.policy", "The policy of MTA-STS can be had and fits", "the policy file and the MX set",
     "RFC 8461 section 3.2", "", kPage, judge_policy},
};

}  // namespace

std::span<const AuditRule> mta_sts_policy_rules() { return kRules; }

}  // namespace authmilter
