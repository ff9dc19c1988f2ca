#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "audit/dkim_pages.h"
#include "audit/selector_names.h"
#include "audit/spf_tree.h"
#include "audit/verdicts.h"
#include "message/tag_list.h"
#include "signature/key_lookup.h"
#include "signature/key_record.h"

namespace authmilter {
namespace {

// A record that is to be published is shown whole: one of 4096 bits has 760 characters.
constexpr std::size_t kRecordShown = 4096;

/// What stands at the name of one selector.
struct SelectorKeys {
  SelectorFact fact;
  DomainName name;
  DnsAnswerRef answer;
  std::vector<std::string> texts;  // all TXT records there
  std::string alias;               // where a CNAME leads; empty without one

  bool usual() const { return fact.origin == SelectorOrigin::usual; }
  /// The only record, which is what most rules judge.
  const std::string* only() const { return texts.size() == 1 ? &texts.front() : nullptr; }
};

/// Anything may answer for a name that was only tried: what is not a key record is not one.
bool claims_to_be_key(const std::string& text) {
  const auto read = read_key_record(text);
  return read || read.error().kind == KeyRecordFault::Kind::unusable;
}

/// The made-up selector has an answer, so that of a usual one says nothing.
DnsAnswerRef made_up_answer(const RuleInput& input) {
  const auto name = input.facts.domain.below(kMadeUpSelector + std::string(".") + kKeysBelow);
  return name ? input.dns.resolve({*name, RrType::txt}) : nullptr;
}

/// All selectors of the facts that can be looked up, those that were only tried where there is
/// something.
std::vector<SelectorKeys> selector_keys(const RuleInput& input) {
  std::vector<SelectorKeys> found;
  const DnsAnswerRef made_up = made_up_answer(input);
  for (const SelectorFact& fact : input.facts.selectors) {
    const auto name = key_name(fact.selector, input.facts.domain);
    if (!name) continue;
    SelectorKeys keys{fact, *name, input.dns.resolve({*name, RrType::txt}), {}, {}};
    keys.fact.selector = printable(fact.selector);
    keys.texts = keys.answer->texts();
    if (keys.usual()) {
      const bool wildcard = made_up != nullptr && made_up->texts() == keys.texts;
      const bool key = std::any_of(keys.texts.begin(), keys.texts.end(), claims_to_be_key);
      if (wildcard || !key) continue;
    }
    const auto aliases = input.dns.resolve({*name, RrType::cname})->all<CnameRecord>();
    if (!aliases.empty()) keys.alias = printable(aliases.front().target.text());
    found.push_back(std::move(keys));
  }
  return found;
}

/// A verdict for each selector that has one record; `judge` says nothing where another rule speaks.
template <class Judge>
Verdicts judge_each(const RuleInput& input, Judge judge) {
  Verdicts verdicts;
  for (const SelectorKeys& keys : selector_keys(input)) {
    if (keys.only() == nullptr) continue;
    std::optional<Verdict> verdict = judge(keys, *keys.only());
    if (!verdict) continue;
    verdict->subject = keys.fact.selector;
    verdicts.push_back(std::move(*verdict));
  }
  return verdicts;
}

/// The fault of a record of one kind, "it cannot be used: ...".
std::optional<std::string> fault_of(const std::string& text, KeyFault fault) {
  const auto read = read_key_record(text);
  if (read || read.error().fault != fault) return std::nullopt;
  return read.error().detail;
}

/// For rules about one tag: whether another rule says that the record cannot be used.
bool is_key(const std::string& text) {
  const auto read = read_key_record(text);
  return read && read_public_key(*read) != nullptr;
}

Verdict at_selector(CheckStatus status, std::string evidence, std::string remedy) {
  return {status, {}, std::move(evidence), std::move(remedy)};
}

Verdicts judge_exists(const RuleInput& input) {
  const auto found = selector_keys(input);
  Verdicts verdicts;
  bool only_tried = true;
  for (const SelectorKeys& keys : found) {
    only_tried = only_tried && keys.usual();
    const std::string& subject = keys.fact.selector;
    if (keys.answer->status == DnsStatus::temperror) {
      verdicts.push_back(undecided({{keys.name, RrType::txt}, keys.answer->fault}, subject));
    } else if (keys.texts.empty()) {
      // What reports saw may be a key that has been withdrawn since.
      const bool reported = keys.fact.origin == SelectorOrigin::reported;
      verdicts.push_back(
          {reported ? CheckStatus::warn : CheckStatus::fail, subject,
           "no TXT record at " + keys.name.text() +
               (keys.alias.empty() ? "" : ", an alias of " + keys.alias),
           "Publish the key at " + keys.name.text() + ", or let nothing sign with this selector."});
    } else {
      verdicts.push_back({CheckStatus::pass, subject,
                          (keys.alias.empty() ? "" : "alias of " + keys.alias + ": ") +
                              in_quotes(keys.texts.front()),
                          ""});
    }
  }
  const bool any_named =
      std::any_of(input.facts.selectors.begin(), input.facts.selectors.end(),
                  [](const SelectorFact& fact) { return fact.origin != SelectorOrigin::usual; });
  if (!verdicts.empty() || any_named) return verdicts;
  if (walk_spf(input.facts.domain, input.dns).permits_nobody()) return {};
  // RFC 8020: a name that exists without records has something below it.
  const auto above = input.facts.domain.below(kKeysBelow);
  const bool something =
      above && input.dns.resolve({*above, RrType::txt})->status == DnsStatus::no_data;
  return one_verdict(CheckStatus::unknown,
                     "none of " + std::to_string(input.facts.selectors.size()) +
                         " usual selectors has a key" +
                         (something ? "; there are keys at other selectors" : ""),
                     "Name the selector that your mail is signed with, s= in its DKIM-Signature "
                     "field: --selector NAME.");
}

Verdicts judge_single(const RuleInput& input) {
  Verdicts verdicts;
  for (const SelectorKeys& keys : selector_keys(input)) {
    if (keys.texts.empty()) continue;
    if (keys.texts.size() == 1) {
      verdicts.push_back({CheckStatus::pass, keys.fact.selector, "one record", ""});
      continue;
    }
    std::string evidence = std::to_string(keys.texts.size()) + " TXT records";
    for (const std::string& text : keys.texts) evidence += ", " + in_quotes(text);
    verdicts.push_back({CheckStatus::fail, keys.fact.selector, evidence,
                        "Delete all records at " + keys.name.text() +
                            " but the one that fits the key which signs."});
  }
  return verdicts;
}

Verdicts judge_syntax(const RuleInput& input) {
  return judge_each(input, [](const SelectorKeys& keys, const std::string& text) {
    const auto read = read_key_record(text);
    const std::string remedy =
        "Publish the record at " + keys.name.text() + " once more, as the signer shows it.";
    if (read && read_public_key(*read) == nullptr)
      return std::optional(
          at_selector(CheckStatus::fail, "p= holds no key: " + in_quotes(text), remedy));
    if (read) return std::optional(at_selector(CheckStatus::pass, "the record is whole", ""));
    switch (read.error().fault) {
      case KeyFault::no_key:
      case KeyFault::malformed:
      case KeyFault::record_too_long:
      case KeyFault::version_unknown:
        return std::optional(
            at_selector(CheckStatus::fail, read.error().detail + ": " + in_quotes(text), remedy));
      case KeyFault::revoked:
      case KeyFault::type_unknown:
      case KeyFault::hash_not_allowed:
      case KeyFault::not_for_mail:
        break;
    }
    return std::optional<Verdict>();
  });
}

Verdicts judge_type(const RuleInput& input) {
  Verdicts verdicts = judge_each(input, [](const SelectorKeys&, const std::string& text) {
    if (const auto detail = fault_of(text, KeyFault::type_unknown)) {
      return std::optional(at_selector(CheckStatus::fail, *detail + ": " + in_quotes(text),
                                       "Sign with a key of RSA."));
    }
    if (!is_key(text)) return std::optional<Verdict>();
    return std::optional(
        at_selector(CheckStatus::pass, std::string(to_string(read_key_record(text)->type)), ""));
  });
  const std::string_view ed25519 = to_string(KeyType::ed25519);
  const bool only_new = std::all_of(verdicts.begin(), verdicts.end(), [&](const Verdict& one) {
    return one.status == CheckStatus::pass && one.evidence == ed25519;
  });
  if (verdicts.empty() || !only_new) return verdicts;
  // RFC 8463 section 5: there are verifiers that know nothing but RSA.
  return one_verdict(CheckStatus::warn, "no key but those of Ed25519, which many cannot verify",
                     "Sign with a key of RSA as well, at a selector of its own.");
}

Verdicts judge_bits(const RuleInput& input) {
  return judge_each(input, [&](const SelectorKeys& keys, const std::string& text) {
    const auto read = read_key_record(text);
    const auto key = read ? read_public_key(*read) : nullptr;
    if (key == nullptr) return std::optional<Verdict>();
    if (key->type() == KeyType::ed25519)
      return std::optional(at_selector(CheckStatus::pass, "Ed25519, 256 bits", ""));
    const std::string evidence = "RSA, " + std::to_string(key->bits()) + " bits";
    const unsigned wanted = std::max(input.profile.dkim_rsa_bits, input.profile.dkim_rsa_bits_warn);
    const std::string remedy = "Make a key of at least " + std::to_string(wanted) +
                               " bits with a new selector, and withdraw " + keys.fact.selector +
                               ".";
    if (key->bits() < input.profile.dkim_rsa_bits)
      return std::optional(at_selector(CheckStatus::fail, evidence, remedy));
    if (key->bits() < input.profile.dkim_rsa_bits_warn)
      return std::optional(at_selector(CheckStatus::warn, evidence, remedy));
    return std::optional(at_selector(CheckStatus::pass, evidence, ""));
  });
}

Verdicts judge_revoked(const RuleInput& input) {
  return judge_each(input, [](const SelectorKeys& keys, const std::string& text) {
    if (!fault_of(text, KeyFault::revoked)) {
      return is_key(text) ? std::optional(at_selector(CheckStatus::pass, "not withdrawn", ""))
                          : std::nullopt;
    }
    const bool in_use =
        keys.fact.origin == SelectorOrigin::given || keys.fact.origin == SelectorOrigin::configured;
    return std::optional(at_selector(
        in_use ? CheckStatus::fail : CheckStatus::info, "p= is empty: the key is withdrawn",
        in_use ? "Sign with another selector, or publish the key at " + keys.name.text() + " again."
               : ""));
  });
}

Verdicts judge_testing(const RuleInput& input) {
  return judge_each(input, [](const SelectorKeys& keys, const std::string& text) {
    if (!is_key(text)) return std::optional<Verdict>();
    if (!read_key_record(text)->testing)
      return std::optional(at_selector(CheckStatus::pass, "no t=y", ""));
    return std::optional(at_selector(CheckStatus::warn, "t=y: " + in_quotes(text),
                                     "Remove t=y from the record at " + keys.name.text() + "."));
  });
}

Verdicts judge_service(const RuleInput& input) {
  return judge_each(input, [](const SelectorKeys& keys, const std::string& text) {
    if (const auto detail = fault_of(text, KeyFault::not_for_mail)) {
      return std::optional(at_selector(CheckStatus::fail, *detail + ": " + in_quotes(text),
                                       "Remove s= from the record at " + keys.name.text() + "."));
    }
    if (!is_key(text)) return std::optional<Verdict>();
    return std::optional(at_selector(CheckStatus::pass, "for mail", ""));
  });
}

Verdicts judge_hash(const RuleInput& input) {
  return judge_each(input, [](const SelectorKeys& keys, const std::string& text) {
    const std::string remedy = "Remove h= from the record at " + keys.name.text() + ".";
    if (const auto detail = fault_of(text, KeyFault::hash_not_allowed))
      return std::optional(
          at_selector(CheckStatus::fail, *detail + ": " + in_quotes(text), remedy));
    if (!is_key(text)) return std::optional<Verdict>();
    // RFC 8301 section 3.1: SHA-1 is for nobody.
    const auto hashes = TagList(text).find("h");
    if (hashes && hashes->find("sha1") != std::string_view::npos)
      return std::optional(at_selector(CheckStatus::warn, "h=" + printable(*hashes), remedy));
    return std::optional(at_selector(CheckStatus::pass, "SHA-256", ""));
  });
}

Verdicts judge_own_key(const RuleInput& input) {
  return judge_each(input, [](const SelectorKeys& keys, const std::string& text) {
    const auto own = read_key_record(keys.fact.own_record);
    if (keys.fact.own_record.empty() || !own || !is_key(text)) return std::optional<Verdict>();
    const auto published = read_key_record(text);
    if (published->public_key == own->public_key && published->type == own->type)
      return std::optional(at_selector(CheckStatus::pass, "the key that this host signs with", ""));
    return std::optional(at_selector(CheckStatus::fail,
                                     "another key than this host signs with: " + in_quotes(text),
                                     "Publish at " + keys.name.text() + " \"" +
                                         printable(keys.fact.own_record, kRecordShown) + "\"."));
  });
}

Verdicts judge_wildcard(const RuleInput& input) {
  const DnsAnswerRef made_up = made_up_answer(input);
  if (made_up == nullptr || made_up->status == DnsStatus::temperror) return {};
  const auto texts = made_up->texts();
  if (texts.empty()) return passes("a selector that nobody has is not answered");
  const bool key = std::any_of(texts.begin(), texts.end(), claims_to_be_key);
  return one_verdict(key ? CheckStatus::warn : CheckStatus::info,
                     "a selector that nobody has is answered by " + in_quotes(texts.front()),
                     "Replace the wildcard record by one for each selector in use.");
}

Verdicts judge_empty_name(const RuleInput& input) {
  const auto above = input.facts.domain.below(kKeysBelow);
  if (!above) return {};
  const auto found = selector_keys(input);
  const bool any = std::any_of(found.begin(), found.end(), [](const SelectorKeys& keys) {
    return !keys.texts.empty() && keys.alias.empty();
  });
  if (!any) return {};
  if (input.dns.resolve({*above, RrType::txt})->status != DnsStatus::nxdomain)
    return passes(above->text() + " exists");
  return one_verdict(CheckStatus::warn,
                     above->text() + " is said not to exist, though there are keys below it",
                     "Have the name servers answer for it without an error (NOERROR); until then "
                     "publish a TXT record \"o=-\" at " +
                         above->text() + ".");
}

/// The record of another domain that has the same key, where the keys of others are known.
std::optional<std::string> other_owner(const RuleInput& input, const std::string& public_key) {
  if (input.owners == nullptr) return std::nullopt;
  const auto known = input.owners->find(public_key);
  if (known == input.owners->end()) return std::nullopt;
  for (const std::string& name : known->second) {
    const auto record = DomainName::parse(name);
    if (record && !record->is_equal_or_below(input.facts.domain)) return name;
  }
  return std::nullopt;
}

Verdicts judge_shared_key(const RuleInput& input) {
  std::map<std::string, std::string> owners;  // of keys: the first selector that has it
  return judge_each(input, [&](const SelectorKeys& keys, const std::string& text) {
    if (!is_key(text)) return std::optional<Verdict>();
    const auto [owner, first] =
        owners.emplace(read_key_record(text)->public_key, keys.fact.selector);
    const auto other = keys.alias.empty() ? other_owner(input, owner->first) : std::nullopt;
    if (first && other) {
      return std::optional(
          at_selector(CheckStatus::warn, "the key of " + *other + " too",
                      "Make a key of its own for this domain: who has this one signs for both."));
    }
    if (first) return std::optional(at_selector(CheckStatus::pass, "a key of its own", ""));
    return std::optional(at_selector(CheckStatus::warn, "the key of " + owner->second,
                                     "Make a key of its own for " + keys.fact.selector + "."));
  });
}

constexpr AuditRule kRules[] = {
    {"dkim.exists", "Each selector has its key in the DNS", "TXT records of each selector",
     "RFC 6376 section 3.6.2", "3.2", kDkimExistsPage, judge_exists},
    {"dkim.single", "Each selector has one record", "TXT records of each selector",
     "RFC 6376 section 3.6.2.2", "3.2", kDkimSinglePage, judge_single},
    {"dkim.syntax", "Each key record can be read", "the record of each selector",
     "RFC 6376 section 3.6.1", "3.2", kDkimSyntaxPage, judge_syntax},
    {"dkim.type", "Each key is of a kind that receivers know", "the tag k", "RFC 8463 section 3",
     "3.2", kDkimTypePage, judge_type},
    {"dkim.bits", "Each key is long enough", "the key of each selector", "RFC 8301 section 3.2",
     "3.2", kDkimBitsPage, judge_bits},
    {"dkim.revoked", "No key in use is withdrawn", "the tag p", "RFC 6376 section 3.6.1", "3.2",
     kDkimRevokedPage, judge_revoked},
    {"dkim.testing", "Keys are not only tried", "the tag t", "RFC 6376 section 3.6.1", "",
     kDkimTestingPage, judge_testing},
    {"dkim.service", "Keys are for mail", "the tag s", "RFC 6376 section 3.6.1", "3.2",
     kDkimServicePage, judge_service},
    {"dkim.hash", "Keys allow SHA-256 alone", "the tag h", "RFC 8301 section 3.1", "3.2",
     kDkimHashPage, judge_hash},
    {"dkim.own_key", "The published key is that which signs here",
     "the configured key and the record", "RFC 6376 section 3.6.2", "3.2", kDkimOwnKeyPage,
     judge_own_key},
    {"dkim.wildcard", "No record answers for every selector", "a selector that nobody has",
     "RFC 6376 section 6.1.2", "", kDkimWildcardPage, judge_wildcard},
    {"dkim.empty_name", "The name above the keys exists", "_domainkey of the domain",
     "RFC 8020 section 2", "", kDkimEmptyNamePage, judge_empty_name},
    {"dkim.shared_key", "Each selector has a key of its own",
     "the keys of all selectors and domains", "RFC 6376 section 3.1", "", kDkimSharedKeyPage,
     judge_shared_key},
};

}  // namespace

std::span<const AuditRule> dkim_rules() { return kRules; }

KeyOwners key_owners(std::span<const DomainFacts> domains) {
  const AuditProfile any;
  KeyOwners owners;
  for (const DomainFacts& facts : domains) {
    FactsResolver dns(facts.dns);
    for (const SelectorKeys& keys : selector_keys({facts, dns, nullptr, any, 0})) {
      if (keys.only() != nullptr && is_key(*keys.only()) && keys.alias.empty())
        owners[read_key_record(*keys.only())->public_key].push_back(keys.name.text());
    }
  }
  return owners;
}

}  // namespace authmilter
