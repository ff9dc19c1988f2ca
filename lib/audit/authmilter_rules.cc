#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "audit/host_rules.h"

namespace authmilter {
namespace {

/// Of our own configuration; empty where it is not set.
std::string setting(const RuleInput& input, const std::string& name) {
  const auto found = input.host->authmilter.find(name);
  return found == input.host->authmilter.end() ? std::string() : found->second;
}

std::string shown(const RuleInput& input, const std::string& name) {
  return name + " = \"" + setting(input, name) + "\"";
}

bool applies(const RuleInput& input) {
  return input.host != nullptr && !input.host->authmilter.empty();
}

/// What makes all the rest void: that mail is only watched, or is taken for our own.
void add_what_is_void(const RuleInput& input, std::vector<Verdict>& verdicts) {
  if (setting(input, "verify.mode") == "monitor") {
    verdicts.push_back({CheckStatus::fail, "", shown(input, "verify.mode") + ": nothing is done",
                        "Set mode = \"enforce\" in [verify] of authmilter.toml, and reload."});
  }
  const std::string internal = setting(input, "network.internal");
  if (internal.find("0.0.0.0/0") != std::string::npos ||
      internal.find("::/0") != std::string::npos) {
    verdicts.push_back({CheckStatus::fail, "",
                        "network.internal = " + internal + ": everybody's mail counts as ours",
                        "Name in internal of [network] only the networks of your own senders."});
  }
}

/// An action that lets what failed through as it is.
void add_action(const RuleInput& input, std::vector<Verdict>& verdicts, const std::string& name,
                CheckStatus if_accepted, const std::string& advice) {
  const std::string action = setting(input, name);
  if (action == "accept") {
    const std::string key = name.substr(name.find('.') + 1);
    verdicts.push_back({if_accepted, "", shown(input, name) + ": it comes in unmarked",
                        "Set " + key + " = \"" + advice + "\" in [policy] of authmilter.toml."});
  } else {
    verdicts.push_back({CheckStatus::pass, "", shown(input, name), ""});
  }
}

std::vector<Verdict> judge_spf(const RuleInput& input) {
  std::vector<Verdict> verdicts;
  if (!applies(input)) return verdicts;
  add_what_is_void(input, verdicts);
  add_action(input, verdicts, "policy.spf_fail", CheckStatus::fail, "tag");
  return verdicts;
}

std::vector<Verdict> judge_dkim(const RuleInput& input) {
  std::vector<Verdict> verdicts;
  if (!applies(input)) return verdicts;
  // Verified it is in monitor mode too, and the results field says so.
  const std::string bits = setting(input, "verify.minimum_rsa_bits");
  verdicts.push_back(
      {CheckStatus::pass, "",
       "each signature is verified; keys of less than " + bits + " bits do not count", ""});
  return verdicts;
}

std::vector<Verdict> judge_dmarc(const RuleInput& input) {
  std::vector<Verdict> verdicts;
  if (!applies(input)) return verdicts;
  add_what_is_void(input, verdicts);
  add_action(input, verdicts, "policy.dmarc_reject", CheckStatus::fail, "reject");
  add_action(input, verdicts, "policy.dmarc_quarantine", CheckStatus::fail, "quarantine");
  // Who keeps our resolver busy would get forgeries in.
  add_action(input, verdicts, "policy.dmarc_temperror", CheckStatus::warn, "tempfail");
  return verdicts;
}

/// The ring of keys had some for the domain, by whatever table.
bool has_key_here(const RuleInput& input) {
  const auto& selectors = input.facts.selectors;
  return std::any_of(selectors.begin(), selectors.end(), [](const SelectorFact& fact) {
    return fact.origin == SelectorOrigin::configured;
  });
}

/// Whether one of "example.org, .example.net" holds the domain; a dot stands for all below.
bool is_signed_here(const RuleInput& input) {
  std::string_view rest = input.host->authmilter.at("signing.domains");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(", "), rest.size());
    std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    const bool below = one.starts_with('.');
    if (below) one.remove_prefix(1);
    const auto domain = DomainName::parse(one);
    if (!domain) continue;
    if (*domain == input.facts.domain || (below && input.facts.domain.is_equal_or_below(*domain)))
      return true;
  }
  return false;
}

std::vector<Verdict> judge_signing(const RuleInput& input) {
  if (!applies(input) || input.host->authmilter.count("signing.domains") == 0) return {};
  const std::string domain = input.facts.domain.text();
  if (is_signed_here(input) || has_key_here(input)) {
    return {{CheckStatus::pass, "",
             domain + " is signed here: From, Subject and the body always, keys of at least " +
                 setting(input, "signing.minimum_rsa_bits") + " bits",
             ""}};
  }
  if (!setting(input, "signing.signing_table").empty()) {
    return {{CheckStatus::unknown, "", "signing.signing_table decides, which is not looked at here",
             "Ask it: authmilter sign with a message of this domain."}};
  }
  return {{CheckStatus::warn, "", domain + " has no key in authmilter.toml on this host",
           "If this host sends mail of the domain: authmilter key generate --domain " + domain +
               " --selector NAME, publish the record that it prints, and name the key in a "
               "[[signing.domain]]."}};
}

constexpr AuditRule kRules[] = {
    {"authmilter.spf", "Mail that fails SPF is refused, put aside or marked here",
     "verify.mode, network.internal and policy.spf_fail of this host's authmilter.toml",
     "authmilter.toml(5)", "3.4",
     "SPF says which servers may send in the name of a domain. It helps only where the receiver "
     "acts on it: this rule looks at what authmilter does on this host with mail from a server "
     "that "
     "may not.\n\n"
     "The measure leaves a choice: refuse it, discard it, put it into a folder of its own, or mark "
     "it clearly. \"tag\" marks it, \"reject\" refuses it. What is not enough is \"accept\", or "
     "the "
     "mode \"monitor\", which only watches.",
     judge_spf},
    {"authmilter.dkim", "Signatures of mail that comes in are verified here",
     "this host's authmilter.toml", "authmilter.toml(5)", "3.5",
     "A DKIM signature shows that a domain stands behind a message and that nobody has changed it. "
     "authmilter verifies each one, and writes what it found into the field Authentication-Results "
     "of the message.\n\nThere is nothing to switch on. Whether Postfix hands mail to authmilter "
     "at "
     "all is looked at by postfix.milter.",
     judge_dkim},
    {"authmilter.dmarc", "Mail that fails DMARC is refused, put aside or marked here",
     "verify.mode, network.internal and policy.dmarc_... of this host's authmilter.toml",
     "authmilter.toml(5)", "3.6",
     "DMARC compares the author whom people see with what SPF and DKIM have shown, and its record "
     "says what the author's domain wishes for forgeries: nothing, quarantine or reject.\n\n"
     "This rule looks at what authmilter does on this host with mail that such a domain wants "
     "quarantined or rejected. \"accept\" lets forgeries in, and so does the mode \"monitor\". "
     "dmarc_temperror is for times at which the DNS does not answer: \"tempfail\" lets the mail "
     "wait, \"accept\" gives everybody a way in who can disturb the DNS.",
     judge_dmarc},
    {"authmilter.signing", "Mail of the domain is signed on this host",
     "[[signing.domain]] of this host's authmilter.toml", "RFC 6376 section 5", "3.2",
     "Mail that leaves this host in the name of the domain should carry a DKIM signature: "
     "receivers trust it more, and DMARC passes when the mail is forwarded.\n\n"
     "A domain without a key here is a warning, since another host may sign its mail. authmilter "
     "always signs From, Subject and the body, which is what the measure asks for.",
     judge_signing},
};

}  // namespace

std::span<const AuditRule> authmilter_rules() { return kRules; }

}  // namespace authmilter
