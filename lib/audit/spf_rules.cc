#include <algorithm>

#include "audit/mail_hosts.h"
#include "audit/spf_pages.h"
#include "audit/spf_tree.h"
#include "audit/verdicts.h"

namespace authmilter {
namespace {

constexpr unsigned kMostLookups = 10;     // RFC 7208 section 4.6.4
constexpr std::size_t kMostVoid = 2;      // RFC 7208 section 4.6.4
constexpr std::size_t kGoodOctets = 450;  // RFC 7208 section 3.4, of all TXT records together

/// What a rule says where there is no record to judge: nothing, as spf.exists and its like say it.
bool has_record(const SpfTree& tree) { return tree.own().state == SpfNodeState::record; }

/// The DNS's part in what is not known of a tree.
void add_failed(Verdicts& verdicts, const SpfTree& tree) {
  for (const FailedLookup& failed : tree.failed) verdicts.push_back(undecided(failed));
}

std::string via(const SpfNode& node) {
  return node.via.empty() ? std::string() : " (by " + node.via + ")";
}

Verdicts judge_exists(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  const SpfNode& own = tree.own();
  if (own.state == SpfNodeState::unanswered) return {undecided(tree.failed.front())};
  if (!own.texts.empty()) return passes(in_quotes(own.texts.front()));
  std::string evidence = "there is no TXT record that begins with v=spf1";
  for (const std::string& text : own.answer->texts()) {
    if (starts_with_ignoring_case(text, "v=spf") || starts_with_ignoring_case(text, "spf"))
      evidence += "; this is none: " + in_quotes(text);
  }
  return one_verdict(CheckStatus::fail, evidence,
                     "Publish a TXT record at " + input.facts.domain.text() +
                         " with the servers that send for it, such as \"v=spf1 mx -all\"; for a "
                         "domain that sends no mail \"v=spf1 -all\".");
}

Verdicts judge_single(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (tree.own().texts.empty()) return {};
  Verdicts verdicts;
  for (const SpfNode& node : tree.nodes) {
    if (node.texts.size() < 2) continue;
    std::string evidence = std::to_string(node.texts.size()) + " SPF records";
    for (const std::string& text : node.texts) evidence += ", " + in_quotes(text);
    verdicts.push_back({CheckStatus::fail, node.name + via(node), evidence,
                        "Put what they say into one record at " + node.name +
                            " and delete the others; until then none of them counts."});
  }
  return verdicts.empty() ? passes("one record") : verdicts;
}

Verdicts judge_syntax(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (tree.own().texts.empty()) return {};
  Verdicts verdicts;
  for (const SpfNode& node : tree.nodes) {
    if (node.state == SpfNodeState::broken) {
      verdicts.push_back({CheckStatus::fail, node.name + via(node),
                          node.trouble + " in " + in_quotes(node.texts.front()),
                          "Mend this term of the SPF record of " + node.name +
                              "; until then receivers ignore all of it."});
    }
    // RFC 7208 sections 5.2 and 6.1: where there is no record, the result is a permerror.
    if (node.state == SpfNodeState::none && !node.via.empty()) {
      verdicts.push_back({CheckStatus::fail, node.name,
                          node.via + " leads to " + node.name + ", which has no SPF record",
                          "Remove " + node.via + ", or correct the name in it."});
    }
  }
  if (!verdicts.empty()) return verdicts;
  add_failed(verdicts, tree);
  return verdicts.empty() ? passes("records read: " + std::to_string(tree.nodes.size())) : verdicts;
}

Verdicts judge_lookups(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  std::string evidence = std::to_string(tree.lookups) + (tree.cut ? " or more" : "") + " of " +
                         std::to_string(kMostLookups) + " look-ups";
  for (const SpfNode& node : tree.nodes) {
    if (!node.via.empty()) evidence += ", " + node.via;
  }
  if (tree.lookups > kMostLookups || tree.cut) {
    return one_verdict(CheckStatus::fail, evidence,
                       "Remove includes that are no longer needed, and name servers of your own by "
                       "ip4: and ip6:, which cost no look-up.");
  }
  Verdicts verdicts;
  add_failed(verdicts, tree);
  if (!verdicts.empty()) return verdicts;
  if (tree.lookups < input.profile.spf_lookups_warn) return passes(evidence);
  return one_verdict(CheckStatus::warn, evidence,
                     "Make room before a provider's record grows: replace a: and mx by ip4: and "
                     "ip6: where the addresses are yours.");
}

Verdicts judge_void(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  std::string evidence = std::to_string(tree.void_terms.size()) + " of " +
                         std::to_string(kMostVoid) + " void look-ups";
  for (const std::string& term : tree.void_terms) evidence += ", " + term;
  if (tree.void_terms.empty()) return passes(evidence);
  return one_verdict(tree.void_terms.size() > kMostVoid ? CheckStatus::fail : CheckStatus::warn,
                     evidence, "Remove these terms from the record: the DNS has nothing there.");
}

Verdicts judge_mx_ptr(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  Verdicts verdicts;
  for (const std::string& term : tree.crowded_mx) {
    verdicts.push_back({CheckStatus::fail, "", term + ", and ten are allowed",
                        "Name the servers by ip4: and ip6: instead of mx."});
  }
  return verdicts.empty() ? passes("no mx term finds more than ten hosts") : verdicts;
}

Verdicts judge_loop(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  Verdicts verdicts;
  for (const SpfNode& node : tree.nodes) {
    if (node.state != SpfNodeState::loop) continue;
    const std::string& at = tree.nodes[node.parent].name;
    verdicts.push_back({CheckStatus::fail, at, node.via + " leads back to " + node.name,
                        "Remove " + node.via + " from the record of " + at + "."});
  }
  return verdicts.empty() ? passes("no record leads back to itself") : verdicts;
}

/// RFC 7208 section 5.2: an include matches where the record that it names gives pass, as one that
/// ends in +all does for everybody.
const SpfNode* includes_everybody(const SpfTree& tree) {
  for (const SpfNode& node : tree.nodes) {
    // An include with another qualifier than + does not let what it matches send.
    if (!starts_with_ignoring_case(node.via, "include") &&
        !starts_with_ignoring_case(node.via, "+include"))
      continue;
    if (node.state != SpfNodeState::record || node.all() == nullptr) continue;
    if (node.all()->qualifier == SpfResult::pass) return &node;
  }
  return nullptr;
}

Verdicts judge_all(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  if (const SpfNode* const open = includes_everybody(tree)) {
    return one_verdict(
        CheckStatus::fail,
        printable(open->all()->text) + " in the record of " + open->name + via(*open) +
            " lets every server of the world send",
        "Remove " + open->via + ", or have +all replaced by -all at " + open->name + ".");
  }
  const auto records = tree.deciding_records();
  const spf::Term* const all = tree.deciding_all();
  const std::string where =
      records.size() > 1 ? " in the record of " + records.back()->name : std::string();
  if (all == nullptr && records.back()->record.redirect) {
    Verdicts verdicts;
    add_failed(verdicts, tree);
    return verdicts.empty()
               ? one_verdict(CheckStatus::unknown,
                             "it depends on " + printable(records.back()->record.redirect->text),
                             "Mend the record that redirect leads to, or end this one in -all.")
               : verdicts;
  }
  if (all == nullptr) {
    return one_verdict(CheckStatus::fail, "there is no all at the end" + where,
                       "End the record in -all or ~all.");
  }
  const std::string evidence = printable(all->text) + where;
  switch (all->qualifier) {
    case SpfResult::fail:
    case SpfResult::softfail:
      return passes(evidence);
    case SpfResult::neutral:
      return one_verdict(CheckStatus::warn, evidence + " says nothing of other servers",
                         "Replace ?all by -all or ~all.");
    case SpfResult::pass:
    case SpfResult::none:
    case SpfResult::temperror:
    case SpfResult::permerror:
      break;
  }
  return one_verdict(CheckStatus::fail, evidence + " lets every server of the world send",
                     "Replace +all by -all or ~all.");
}

Verdicts judge_ptr(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  Verdicts verdicts;
  for (const SpfNode& node : tree.nodes) {
    for (std::size_t i = 0; i < node.reached_terms(); ++i) {
      const spf::Term& term = node.record.terms[i];
      if (term.mechanism != spf::Mechanism::ptr) continue;
      verdicts.push_back({node.own ? CheckStatus::warn : CheckStatus::info, node.name,
                          printable(term.text),
                          node.own ? "Replace " + printable(term.text) + " by ip4:, ip6: or a:."
                                   : "Ask whose record it is to replace it by addresses."});
    }
  }
  return verdicts.empty() ? passes("no ptr") : verdicts;
}

Verdicts judge_behind_all(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  Verdicts verdicts;
  for (const SpfNode& node : tree.nodes) {
    if (!node.own || node.all() == nullptr) continue;
    std::string ignored;
    for (std::size_t i = node.reached_terms() + 1; i < node.record.terms.size(); ++i)
      ignored += " " + printable(node.record.terms[i].text);
    if (node.record.redirect) ignored += " " + printable(node.record.redirect->text);
    if (ignored.empty()) continue;
    verdicts.push_back({CheckStatus::warn, node.name, "ignored:" + ignored,
                        "Move all to the end of the record, and remove redirect beside it."});
  }
  return verdicts.empty() ? passes("nothing is behind all") : verdicts;
}

Verdicts judge_size(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  std::size_t octets = 0;
  for (const std::string& text : tree.own().answer->texts()) octets += text.size();
  const std::string evidence = "the record has " + std::to_string(tree.own().texts.front().size()) +
                               " octets, all TXT records there " + std::to_string(octets);
  if (tree.own().texts.front().size() > kGoodOctets) {
    return one_verdict(CheckStatus::warn, evidence,
                       "Move some terms into a record of their own and include that.");
  }
  // Others' TXT records make the answer long too, but are harder to be rid of.
  if (octets <= kGoodOctets) return passes(evidence);
  return one_verdict(CheckStatus::info, evidence,
                     "Delete TXT records at this name that nobody needs any more.");
}

/// Prefixes so short that the record permits a good part of the world.
constexpr unsigned kNearlyAll = 4;
/// Of records that others answer for: providers have networks of /14 and such.
constexpr unsigned kOthersWide4 = 8;
constexpr unsigned kOthersWide6 = 20;

Verdicts judge_wide(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  Verdicts verdicts;
  for (const SpfNode& node : tree.nodes) {
    for (std::size_t i = 0; i < node.reached_terms(); ++i) {
      const spf::Term& term = node.record.terms[i];
      const bool v4 = term.mechanism != spf::Mechanism::ip6 && term.prefix4 < 32;
      const bool v6 = term.mechanism != spf::Mechanism::ip4 && term.prefix6 < 128;
      const bool wide = (v4 && term.prefix4 <= input.profile.spf_wide_prefix4) ||
                        (v6 && term.prefix6 <= input.profile.spf_wide_prefix6);
      if (!wide || term.qualifier != SpfResult::pass) continue;
      CheckStatus status = CheckStatus::warn;
      if ((v4 && term.prefix4 <= kNearlyAll) || (v6 && term.prefix6 <= kNearlyAll)) {
        status = CheckStatus::fail;
      } else if (!node.own && !(v4 && term.prefix4 <= kOthersWide4) &&
                 !(v6 && term.prefix6 <= kOthersWide6)) {
        status = CheckStatus::info;
      }
      verdicts.push_back({status, node.name, printable(term.text) + " is a very large network",
                          "Name the addresses that your servers have, not all of their provider's "
                          "network."});
    }
  }
  return verdicts.empty() ? passes("no network that everybody can rent an address in") : verdicts;
}

/// Whether a term of the node's record, or of one below it, could let somebody send.
bool permits_somebody(const SpfTree& tree, std::size_t at) {
  const SpfNode& node = tree.nodes[at];
  if (node.state != SpfNodeState::record) return true;  // another rule's
  for (std::size_t i = 0; i < std::min(node.reached_terms() + 1, node.record.terms.size()); ++i) {
    const spf::Term& term = node.record.terms[i];
    if (term.qualifier == SpfResult::pass && term.mechanism != spf::Mechanism::include) return true;
  }
  // Nodes below are further on, so this ends.
  for (std::size_t i = at + 1; i < tree.nodes.size(); ++i) {
    if (tree.nodes[i].parent == at && permits_somebody(tree, i)) return true;
  }
  return false;
}

/// Whether `other`, before it, lets everybody send that `term` does.
bool covers(const spf::Term& other, const spf::Term& term) {
  if (other.text == term.text) return true;
  if (other.mechanism != term.mechanism || other.costs_lookup()) return false;
  const bool v4 = term.mechanism == spf::Mechanism::ip4;
  const unsigned length = v4 ? term.prefix4 : term.prefix6;
  if ((v4 ? other.prefix4 : other.prefix6) > length) return false;
  const auto octets = std::span(term.network);
  return v4 ? other.matches(IpAddress::v4(octets.first<4>()))
            : other.matches(IpAddress::v6(octets));
}

Verdicts judge_unused(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  Verdicts verdicts;
  const auto& terms = tree.own().record.terms;
  for (std::size_t i = 0; i < tree.own().reached_terms(); ++i) {
    for (std::size_t before = 0; before < i; ++before) {
      if (!covers(terms[before], terms[i])) continue;
      verdicts.push_back(
          {terms[i].costs_lookup() ? CheckStatus::warn : CheckStatus::info, "",
           printable(terms[i].text) + " adds nothing to " + printable(terms[before].text),
           "Remove " + printable(terms[i].text) + " from the record."});
      break;
    }
  }
  for (std::size_t i = 1; i < tree.nodes.size(); ++i) {
    const SpfNode& node = tree.nodes[i];
    const bool redirect = starts_with_ignoring_case(node.via, "redirect");
    if (node.parent != 0 || redirect || permits_somebody(tree, i)) continue;
    verdicts.push_back({CheckStatus::warn, "",
                        node.via + " permits nobody: " + in_quotes(node.texts.front()),
                        "Remove " + node.via + " from the record."});
  }
  return verdicts.empty() ? passes("each term lets somebody send") : verdicts;
}

Verdicts judge_parked(const RuleInput& input) {
  const SpfTree tree = walk_spf(input.facts.domain, input.dns);
  if (!has_record(tree)) return {};
  const MailHosts hosts = find_mail_hosts(input.facts.domain, input.dns);
  const bool silent = tree.permits_nobody();
  const std::string record = in_quotes(tree.own().texts.front());
  if (hosts.null_mx && silent) return passes(record + " and a null MX record");
  if (hosts.null_mx) {
    return one_verdict(CheckStatus::warn, "a null MX record, but " + record + " lets servers send",
                       "Publish \"v=spf1 -all\" if the domain sends no mail; otherwise replace the "
                       "null MX record by one that names a mail host.");
  }
  if (!silent) return {};
  return one_verdict(CheckStatus::info, record + ": the domain says that it sends no mail", "");
}

constexpr AuditRule kRules[] = {
    {"spf.exists", "There is an SPF record", "TXT records of the domain", "RFC 7208 section 3",
     "3.1", kSpfExistsPage, judge_exists},
    {"spf.single", "There is one SPF record", "TXT records of the domain and of includes",
     "RFC 7208 section 4.5", "3.1", kSpfSinglePage, judge_single},
    {"spf.syntax", "The SPF record can be read", "the record and those that it includes",
     "RFC 7208 section 4.6", "3.1", kSpfSyntaxPage, judge_syntax},
    {"spf.lookups", "SPF needs at most ten look-ups", "the record and those that it includes",
     "RFC 7208 section 4.6.4", "3.1", kSpfLookupsPage, judge_lookups},
    {"spf.void", "SPF names nothing that is gone", "what the terms of all records find",
     "RFC 7208 section 4.6.4", "3.1", kSpfVoidPage, judge_void},
    {"spf.mx_ptr", "No mx term finds more than ten hosts", "MX records that mx terms name",
     "RFC 7208 section 4.6.4", "3.1", kSpfMxPtrPage, judge_mx_ptr},
    {"spf.loop", "No SPF record includes itself", "the record and those that it includes",
     "RFC 7208 section 4.6.4", "3.1", kSpfLoopPage, judge_loop},
    {"spf.all", "SPF ends in -all or ~all", "the end of the record, redirect followed",
     "RFC 7208 section 5.1", "3.1", kSpfAllPage, judge_all},
    {"spf.ptr", "SPF does not use ptr", "the record and those that it includes",
     "RFC 7208 section 5.5", "", kSpfPtrPage, judge_ptr},
    {"spf.behind_all", "Nothing stands behind all", "the domain's own records",
     "RFC 7208 section 5.1", "", kSpfBehindAllPage, judge_behind_all},
    {"spf.size", "The SPF record is short enough", "TXT records of the domain",
     "RFC 7208 section 3.4", "", kSpfSizePage, judge_size},
    {"spf.wide", "SPF names no network that anybody can rent in",
     "networks of the record and of those that it includes", "RFC 7208 section 11.4", "3.1",
     kSpfWidePage, judge_wide},
    {"spf.unused", "Each term of SPF lets somebody send", "the domain's record",
     "RFC 7208 section 4.6.4", "", kSpfUnusedPage, judge_unused},
    {"spf.parked", "A domain without mail says so", "SPF and MX records together",
     "RFC 7505 section 4.2", "", kSpfParkedPage, judge_parked},
};

}  // namespace

std::span<const AuditRule> spf_rules() { return kRules; }

}  // namespace authmilter
