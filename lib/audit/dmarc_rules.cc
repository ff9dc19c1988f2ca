#include <algorithm>
#include <optional>
#include <utility>

#include <authmilter/dmarc.h>

#include "audit/dmarc_facts.h"
#include "audit/dmarc_pages.h"
#include "audit/mail_hosts.h"
#include "audit/spf_tree.h"
#include "audit/verdicts.h"
#include "dmarc/discovery.h"
#include "dmarc/policy_record.h"

namespace authmilter {
namespace {

using Tags = std::vector<std::pair<std::string, std::string>>;

/// The tags of a record as they stand there, names in lower case. parse_policy_record() tells what
/// they mean.
Tags tags_of(std::string_view text) {
  Tags tags;
  for (const std::string_view piece : split(text, ';')) {
    const std::size_t equals = std::min(piece.find('='), piece.size());
    const std::string_view name = trim_fws(piece.substr(0, equals));
    if (name.empty() && equals == piece.size()) continue;
    const std::string_view value =
        equals == piece.size() ? std::string_view() : trim_fws(piece.substr(equals + 1));
    tags.emplace_back(to_lower(name), std::string(value));
  }
  return tags;
}

const std::string* find_tag(const Tags& tags, std::string_view name) {
  const auto found =
      std::find_if(tags.begin(), tags.end(), [&](const auto& tag) { return tag.first == name; });
  return found == tags.end() ? nullptr : &found->second;
}

/// The record that applies to the domain, its own or one from above.
struct AppliedRecord {
  explicit AppliedRecord(const RuleInput& input)
      : found(discover_dmarc(input.facts.domain, input.dns)), own(input.facts.domain) {
    if (found.record() == nullptr) return;
    record = found.record();
    at = found.policy_domain();
    const DmarcRecords records = find_dmarc_records(*at, input.dns);
    if (records.texts.size() == 1) text = records.texts.front();
    place = "_dmarc." + at->text();
  }
  bool inherited() const { return *at != own; }

  DmarcDiscovery found;
  const DomainName own;
  const PolicyRecord* record = nullptr;  // null: none applies, or it is not known
  const DomainName* at = nullptr;
  std::string text;  // as published
  std::string place;
};

/// Why discover_dmarc() has found nothing, if it is the DNS.
std::optional<FailedLookup> failed_walk(const RuleInput& input) {
  DomainDiscovery discovery(input.dns);
  const TreeWalk walk = discovery.walk(input.facts.domain);
  const WalkNode* const unknown = walk.first_unknown();
  return unknown == nullptr ? std::nullopt : unknown->failed;
}

std::string walked(const RuleInput& input) {
  DomainDiscovery discovery(input.dns);
  std::string text;
  for (const WalkNode* node : discovery.walk(input.facts.domain).nodes)
    text += std::string(text.empty() ? "_dmarc." : ", _dmarc.") + node->name.text() + ": " +
            node->outcome;
  return text;
}

bool sends_no_mail(const RuleInput& input) {
  return walk_spf(input.facts.domain, input.dns).permits_nobody();
}

Verdicts judge_exists(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record != nullptr) return passes(applied.place + " " + in_quotes(applied.text));
  if (const auto failed = failed_walk(input)) return {undecided(*failed)};
  // Several records are dmarc.single's, one that is void is dmarc.syntax's; neither counts as none.
  const DmarcRecords own = find_dmarc_records(input.facts.domain, input.dns);
  if (!own.texts.empty()) return passes(in_quotes(own.texts.front()));
  std::string evidence = walked(input);
  for (const std::string& text : own.answer->texts()) {
    if (text.find("DMARC") != std::string::npos || starts_with_ignoring_case(text, "v=dmarc"))
      evidence += "; this is none: " + in_quotes(text);
  }
  return one_verdict(
      CheckStatus::fail, evidence,
      sends_no_mail(input)
          ? "Publish \"v=DMARC1; p=reject\" at _dmarc." + input.facts.domain.text() + "."
          : "Publish \"v=DMARC1; p=none; rua=mailto:dmarc@" + input.facts.domain.text() +
                "\" as TXT record at _dmarc." + input.facts.domain.text() +
                ", and raise p when the reports are good.");
}

Verdicts judge_single(const RuleInput& input) {
  DomainDiscovery discovery(input.dns);
  Verdicts verdicts;
  bool any = false;
  for (const WalkNode* node : discovery.walk(input.facts.domain).nodes) {
    const DmarcRecords records = find_dmarc_records(node->name, input.dns);
    any = any || !records.texts.empty();
    if (records.texts.size() < 2) continue;
    std::string evidence = std::to_string(records.texts.size()) + " records";
    for (const std::string& text : records.texts) evidence += ", " + in_quotes(text);
    verdicts.push_back({CheckStatus::fail, "_dmarc." + node->name.text(), evidence,
                        "Delete all but one of them; until then none counts."});
  }
  if (!verdicts.empty() || !any) return verdicts;
  return passes("one record");
}

/// RFC 9989 has removed it. What it asked for has receivers that still follow it let forgeries
/// through.
bool is_partial(const Tags& tags) {
  const std::string* const pct = find_tag(tags, "pct");
  return pct != nullptr && *pct != "100";
}

Verdicts judge_syntax(const RuleInput& input) {
  const AppliedRecord applied(input);
  const DmarcRecords own = find_dmarc_records(input.facts.domain, input.dns);
  const std::string text = own.texts.size() == 1 ? own.texts.front() : applied.text;
  if (text.empty()) return {};
  const auto record = parse_policy_record(text);
  const std::string shown = " in " + in_quotes(text);
  if (!record) {
    return one_verdict(CheckStatus::fail, record.error().message + shown,
                       "Remove one of the two tags; until then receivers ignore the record.");
  }
  Verdicts verdicts;
  const Tags tags = tags_of(text);
  if (is_partial(tags)) {
    verdicts.push_back({CheckStatus::fail, "",
                        "pct=" + printable(*find_tag(tags, "pct"), 20) +
                            " is a removed tag, by which some receivers let mail through" + shown,
                        "Remove pct from the record; use t=y instead while you are testing."});
  }
  for (const std::string& note : record->notes) {
    if (note.ends_with("unknown") || note.ends_with("historic")) continue;
    verdicts.push_back({record->invalid_policy && note.starts_with("tag \"") ? CheckStatus::fail
                                                                             : CheckStatus::warn,
                        "", note + shown, "Correct or remove this tag of the record."});
  }
  for (const auto& [tag, value] : tags) {
    // Unknown ones may be of a later version, or misspelt.
    constexpr std::string_view kKnown[] = {"v",    "p",  "sp",  "np",  "psd", "t",  "adkim",
                                           "aspf", "fo", "rua", "ruf", "pct", "rf", "ri"};
    if (std::find(std::begin(kKnown), std::end(kKnown), tag) != std::end(kKnown)) continue;
    if (!std::all_of(tag.begin(), tag.end(), is_alpha)) continue;  // told above
    verdicts.push_back({CheckStatus::warn, "", "tag " + in_quotes(tag) + " is unknown" + shown,
                        "Correct or remove this tag of the record."});
  }
  return verdicts.empty() ? passes("all tags are right") : verdicts;
}

Verdicts judge_policy(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr) return {};
  DmarcDiscovery found = discover_dmarc(input.facts.domain, input.dns);
  const DmarcOutcome outcome = evaluate_dmarc(found, {});
  if (!outcome.policy_tag) {
    return one_verdict(CheckStatus::fail, "no valid p in " + in_quotes(applied.text),
                       "Add p=reject, or p=none while you begin, to the record.");
  }
  const std::string evidence = std::string(to_string(*outcome.policy_tag)) + " of " +
                               applied.place + " gives " +
                               std::string(to_string(outcome.published_policy));
  if (outcome.published_policy != AssessmentPolicy::none) return passes(evidence);
  return one_verdict(CheckStatus::fail, evidence,
                     "When the reports show that your mail passes, publish p=quarantine and then "
                     "p=reject at " +
                         applied.place + ".");
}

Verdicts judge_subdomains(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr || !applied.record->p) return {};
  const AssessmentPolicy p = *applied.record->p;
  const AssessmentPolicy sp = applied.record->sp.value_or(p);
  const std::string evidence =
      "p=" + std::string(to_string(p)) + ", names below: " + std::string(to_string(sp));
  if (sp >= p) return passes(evidence);
  return one_verdict(
      sp == AssessmentPolicy::none ? CheckStatus::warn : CheckStatus::info, evidence,
      "Remove sp from " + applied.place + ", or set it to " + std::string(to_string(p)) + ".");
}

Verdicts judge_nonexistent(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr || !applied.record->p) return {};
  const AssessmentPolicy p = *applied.record->p;
  const AssessmentPolicy np = applied.record->np.value_or(applied.record->sp.value_or(p));
  const std::string evidence = "names below that do not exist: " + std::string(to_string(np)) +
                               (applied.record->np ? "" : ", as there is no np");
  if (np == AssessmentPolicy::reject) return passes(evidence);
  return one_verdict(applied.record->np && np < p ? CheckStatus::warn : CheckStatus::info, evidence,
                     "Set np=reject at " + applied.place + ": no mail comes from such names.");
}

Verdicts judge_psd(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr || applied.inherited()) return {};
  switch (applied.record->psd) {
    case PsdFlag::u:
      return passes("an ordinary domain");
    case PsdFlag::n:
      return one_verdict(CheckStatus::info, "psd=n: an organisation of its own", "");
    case PsdFlag::y:
      break;
  }
  return one_verdict(CheckStatus::warn,
                     "psd=y: names below are taken to belong to other organisations",
                     "Remove psd=y from " + applied.place +
                         ", unless others register their domains below this one.");
}

Verdicts judge_testing(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr) return {};
  if (!applied.record->testing) return passes("no t=y");
  return one_verdict(CheckStatus::warn,
                     std::string("t=y: receivers apply the next weaker policy at ") + applied.place,
                     "Remove t=y from " + applied.place + " when the reports are good.");
}

Verdicts judge_removed_tags(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr) return {};
  std::string removed;
  const Tags tags = tags_of(applied.text);
  for (const char* const name : {"pct", "rf", "ri"}) {
    const std::string* const value = find_tag(tags, name);
    // Another number than 100 is dmarc.syntax's.
    if (value == nullptr || (name == std::string_view("pct") && is_partial(tags))) continue;
    removed += (removed.empty() ? "" : ", ") + std::string(name) + "=" + printable(*value, 40);
  }
  if (removed.empty()) return passes("none of pct, rf, ri");
  return one_verdict(CheckStatus::info, removed,
                     "Remove these from " + applied.place + ": RFC 9989 has no such tags.");
}

/// Why an address list that is there leads nowhere.
Verdicts without_address(const AppliedRecord& applied, const std::string& tag) {
  return one_verdict(
      CheckStatus::fail,
      "no address that reports can be sent to is in " + tag + " of " + in_quotes(applied.text),
      "Write it as " + tag + "=mailto:dmarc@" + applied.own.text() +
          ", with a comma between several.");
}

std::string addresses(const ReportDestinations& destinations) {
  std::string text;
  for (const ReportAddress& address : destinations.addresses)
    text += (text.empty() ? "" : ", ") + address.mailbox;
  return text;
}

Verdicts judge_rua(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr) return {};
  if (!applied.record->rua.addresses.empty()) return passes(addresses(applied.record->rua));
  if (find_tag(tags_of(applied.text), "rua") != nullptr) return without_address(applied, "rua");
  // What never sends has little to learn.
  return one_verdict(sends_no_mail(input) ? CheckStatus::info : CheckStatus::warn,
                     "there is no rua, so no reports come",
                     "Add rua=mailto:dmarc@" + applied.own.text() + " to " + applied.place + ".");
}

Verdicts judge_ruf(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr || find_tag(tags_of(applied.text), "ruf") == nullptr) return {};
  if (applied.record->ruf.addresses.empty()) return without_address(applied, "ruf");
  return one_verdict(CheckStatus::info,
                     addresses(applied.record->ruf) + " asks for reports with personal data", "");
}

Verdicts judge_external(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr) return {};
  Verdicts verdicts;
  for (const ReportPlace& place : find_report_places(*applied.at, *applied.record, input.dns)) {
    const std::string subject = place.tag + " " + place.address.mailbox;
    if (place.undecided) {
      verdicts.push_back(undecided(*place.undecided, subject));
    } else if (!place.agrees) {
      const std::string at =
          place.agreement_at ? place.agreement_at->name.text() : place.address.domain.text();
      verdicts.push_back({CheckStatus::fail, subject, "no TXT record \"v=DMARC1\" at " + at,
                          "Ask " + place.address.domain.text() + " to publish \"v=DMARC1\" at " +
                              at + ", or use an address of your own domain."});
    } else if (!place.reachable) {
      verdicts.push_back({CheckStatus::fail, subject,
                          place.address.domain.text() + " takes no mail",
                          "Name an address whose domain has a mail host."});
    } else {
      verdicts.push_back({CheckStatus::pass, subject,
                          place.agreement_at ? place.address.domain.text() + " agrees"
                                             : "of the same organisation",
                          ""});
    }
  }
  return verdicts;
}

Verdicts judge_inherited(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr) return {};
  if (!applied.inherited()) return passes("a record of its own");
  return one_verdict(CheckStatus::info,
                     "the record of " + applied.at->text() + ": " + walked(input), "");
}

Verdicts judge_below(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr || !applied.record->p) return {};
  const AssessmentPolicy wanted = applied.record->sp.value_or(*applied.record->p);
  Verdicts verdicts;
  for (const DomainName& name : names_below(input.facts.domain, input.dns)) {
    const DmarcRecords records = find_dmarc_records(name, input.dns);
    if (records.texts.size() != 1) continue;
    const auto record = parse_policy_record(records.texts.front());
    const AssessmentPolicy policy =
        record ? record->p.value_or(AssessmentPolicy::none) : AssessmentPolicy::none;
    const std::string evidence = in_quotes(records.texts.front());
    if (policy >= wanted) {
      verdicts.push_back({CheckStatus::pass, name.text(), evidence, ""});
      continue;
    }
    verdicts.push_back({CheckStatus::warn, name.text(),
                        evidence + " is weaker than " + std::string(to_string(wanted)),
                        "Delete the record at _dmarc." + name.text() + ", or set its p to " +
                            std::string(to_string(wanted)) + "."});
  }
  return verdicts.empty() ? passes("no record of its own at the names that were tried") : verdicts;
}

Verdicts judge_alignment(const RuleInput& input) {
  const AppliedRecord applied(input);
  if (applied.record == nullptr) return {};
  const auto mode = [](AlignmentMode one) {
    return one == AlignmentMode::strict ? "strict" : "relaxed";
  };
  std::string evidence =
      std::string("DKIM ") + mode(applied.record->adkim) + ", SPF " + mode(applied.record->aspf);
  const bool strict = applied.record->adkim == AlignmentMode::strict ||
                      applied.record->aspf == AlignmentMode::strict;
  if (!strict) return passes(evidence);
  return one_verdict(CheckStatus::info, evidence + ": names of the same organisation do not count",
                     "");
}

constexpr AuditRule kRules[] = {
    {"dmarc.exists", "A DMARC record applies", "the names of the tree walk",
     "RFC 9989 section 4.10", "3.3", kDmarcExistsPage, judge_exists},
    {"dmarc.single", "There is one DMARC record", "TXT records at each name of the walk",
     "RFC 9989 section 4.10", "3.3", kDmarcSinglePage, judge_single},
    {"dmarc.syntax", "The DMARC record can be read", "the record's tags", "RFC 9989 section 4.7",
     "3.3", kDmarcSyntaxPage, judge_syntax},
    {"dmarc.policy", "DMARC asks for quarantine or reject", "the policy that applies",
     "RFC 9989 section 4.10.1", "3.3", kDmarcPolicyPage, judge_policy},
    {"dmarc.subdomains", "Names below are protected as well", "the tag sp", "RFC 9989 section 4.7",
     "", kDmarcSubdomainsPage, judge_subdomains},
    {"dmarc.nonexistent", "Names that do not exist are rejected", "the tag np",
     "RFC 9989 section 4.7", "", kDmarcNonexistentPage, judge_nonexistent},
    {"dmarc.psd", "The record is not a registry's", "the tag psd", "RFC 9989 section 4.7", "",
     kDmarcPsdPage, judge_psd},
    {"dmarc.testing", "The policy is not only tried", "the tag t", "RFC 9989 section 4.7", "3.3",
     kDmarcTestingPage, judge_testing},
    {"dmarc.removed_tags", "The record has no removed tags", "the tags pct, rf and ri",
     "RFC 9989 appendix C.6", "", kDmarcRemovedTagsPage, judge_removed_tags},
    {"dmarc.rua", "Reports are asked for", "the tag rua", "RFC 9990 section 3", "", kDmarcRuaPage,
     judge_rua},
    {"dmarc.ruf", "Failure reports can arrive", "the tag ruf", "RFC 9991 section 3", "",
     kDmarcRufPage, judge_ruf},
    {"dmarc.external", "Report addresses agree and take mail", "each address of rua and ruf",
     "RFC 9990 section 4", "", kDmarcExternalPage, judge_external},
    {"dmarc.inherited", "The domain has a record of its own", "where the record was found",
     "RFC 9989 section 4.10.1", "", kDmarcInheritedPage, judge_inherited},
    {"dmarc.below", "No name below is weaker", "records of usual names and of mail hosts",
     "RFC 9989 section 4.10.1", "", kDmarcBelowPage, judge_below},
    {"dmarc.alignment", "Alignment is as most have it", "the tags adkim and aspf",
     "RFC 9989 section 4.4", "", kDmarcAlignmentPage, judge_alignment},
};

}  // namespace

std::span<const AuditRule> dmarc_rules() { return kRules; }

}  // namespace authmilter
