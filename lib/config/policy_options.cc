#include "config/formats.h"
#include "config/options.h"

#include <chrono>
#include <span>

namespace authmilter {
namespace {

constexpr Choice<Disposition> kDispositions[] = {
    {"accept", Disposition::accept},         {"tag", Disposition::tag},
    {"quarantine", Disposition::quarantine}, {"reject", Disposition::reject},
    {"tempfail", Disposition::tempfail},     {"discard", Disposition::discard}};

/// Of these what is trusted can get: a word that makes things worse is none to trust.
constexpr Choice<Disposition> kMildDispositions[] = {{"accept", Disposition::accept},
                                                     {"tag", Disposition::tag},
                                                     {"quarantine", Disposition::quarantine}};

/// For max_age of a trusted sealer.
constexpr std::chrono::hours kNoAge{0};
constexpr std::chrono::hours kLongestAge{366 * 24};

PolicyActions& actions_of(Config& config) { return config.policy.actions; }
PolicyActions& actions_of(PolicyOverride& rule) { return rule.actions; }
const PolicyActions& actions_of(const Config& config) { return config.policy.actions; }
const PolicyActions& actions_of(const PolicyOverride& rule) { return rule.actions; }

/// A key of `[policy]` that an override may have too.
template <class T, std::optional<Disposition> PolicyActions::*Action>
constexpr Option<T> action_option(std::string_view key) {
  return {key,
          [](Reader& reader, const Value& value, T& target) {
            assign(actions_of(target).*Action, reader.choice<Disposition>(value, kDispositions));
          },
          [](const T& source) {
            const auto action = actions_of(source).*Action;
            return action ? literal_choice<Disposition>(*action, kDispositions) : std::string();
          }};
}

/// A condition of an override; its strings are read by `Parse`.
template <auto Condition, auto Parse>
constexpr Option<PolicyOverride> condition_option(std::string_view key) {
  return {key,
          [](Reader& reader, const Value& value, PolicyOverride& rule) {
            assign(rule.*Condition, reader.one_or_more(value, Parse));
          },
          [](const PolicyOverride& rule) {
            return (rule.*Condition).empty() ? std::string() : literal_list(rule.*Condition);
          }};
}

const PolicyOverrides& overrides_of(const Config& config) { return config.policy.overrides; }

bool has_condition(const PolicyOverride& rule) {
  return !(rule.client.empty() && rule.author_domain.empty() && rule.mail_from.empty() &&
           rule.recipient.empty() && rule.dkim_domain.empty() && rule.list.empty());
}

/// A DomainName is never empty: what stands there while a table is read, which has to name its own.
DomainName unnamed() { return DomainName::parse("invalid").value(); }

/// `list = { id = "...", signed_by = "..." }`, or a list of such tables.
void read_lists(Reader& reader, const Value& value, PolicyOverride& rule) {
  const std::span<const Value> tables =
      value.kind == ValueKind::table ? std::span<const Value>(&value, 1) : reader.tables(value);
  if (tables.empty() && !reader.error()) reader.refuse(value, "must not be empty");
  for (const Value& table : tables) {
    MailingList list{unnamed(), unnamed()};
    read_table(reader, table, mailing_list_options(), list);
    for (const char* key : {"id", "signed_by"}) {
      if (table.find(key) == nullptr) reader.refuse(table, fmt::format("has no {}", key));
    }
    rule.list.push_back(std::move(list));
  }
}

std::string print_lists(const PolicyOverride& rule) {
  std::string text;
  for (const MailingList& list : rule.list) {
    text += fmt::format("{}{{ id = {}, signed_by = {} }}", text.empty() ? "" : ", ",
                        literal(list.id.text()), literal(list.signed_by.text()));
  }
  return rule.list.size() > 1 ? "[" + text + "]" : text;
}

void read_trusted_sealers(Reader& reader, const Value& value, Config& config) {
  std::vector<TrustedSealer> sealers;
  for (const Value& table : reader.tables(value)) {
    TrustedSealer sealer{.domain = unnamed()};
    read_table(reader, table, trusted_sealer_options(), sealer);
    if (table.find("domain") == nullptr) reader.refuse(table, "has no domain");
    sealers.push_back(std::move(sealer));
  }
  config.policy.trusted_sealers = std::move(sealers);
}

bool has_this_host(const NetworkSet& networks) {
  return networks.contains(*IpAddress::parse("127.0.0.1")) ||
         networks.contains(*IpAddress::parse("::1"));
}

void read_forwarders(Reader& reader, const Value& value, Config& config) {
  std::vector<Forwarder> forwarders;
  for (const Value& table : reader.tables(value)) {
    Forwarder forwarder;
    read_table(reader, table, forwarder_options(), forwarder);
    for (const char* key : {"networks", "received_by"}) {
      if (!reader.error() && table.find(key) == nullptr)
        reader.refuse(table, fmt::format("has no {}", key));
    }
    // What programs here hand in would be the forwarder's.
    if (has_this_host(forwarder.networks))
      reader.refuse(*table.find("networks"),
                    "has an address of this host; that of the forwarder's "
                    "filters belongs in internal");
    forwarders.push_back(std::move(forwarder));
  }
  config.policy.forwarders = std::move(forwarders);
}

const std::vector<Forwarder>& forwarders_of(const Config& config) {
  return config.policy.forwarders;
}

const std::vector<TrustedSealer>& trusted_sealers_of(const Config& config) {
  return config.policy.trusted_sealers;
}

/// What a trusted sealer's word makes of a failed DMARC.
template <auto Action>
constexpr Option<TrustedSealer> sealed_action_option(std::string_view key) {
  return {key,
          [](Reader& reader, const Value& value, TrustedSealer& sealer) {
            assign(sealer.*Action, reader.choice<Disposition>(value, kMildDispositions));
          },
          [](const TrustedSealer& sealer) {
            return literal_choice<Disposition>(sealer.*Action, kMildDispositions);
          }};
}

void read_overrides(Reader& reader, const Value& value, Config& config) {
  std::vector<PolicyOverride> rules;
  for (const Value& table : reader.tables(value)) {
    PolicyOverride rule;
    read_table(reader, table, override_options(), rule);
    // A condition or an action that could not be read is mistake enough.
    if (!reader.error() && !has_condition(rule)) {
      reader.refuse(table,
                    "has no condition, name one of client, author_domain, mail_from, recipient, "
                    "dkim_domain, list");
    }
    if (!reader.error() && rule.actions == PolicyActions{})
      reader.refuse(table, "has no action, such as dmarc_reject = \"accept\"");
    rules.push_back(std::move(rule));
  }
  config.policy.overrides = std::move(rules);
}

template <class T>
constexpr Option<T> kSpfFail = action_option<T, &PolicyActions::spf_fail>("spf_fail");
template <class T>
constexpr Option<T> kSpfSoftfail = action_option<T, &PolicyActions::spf_softfail>("spf_softfail");
template <class T>
constexpr Option<T> kSpfTemperror =
    action_option<T, &PolicyActions::spf_temperror>("spf_temperror");
template <class T>
constexpr Option<T> kSpfPermerror =
    action_option<T, &PolicyActions::spf_permerror>("spf_permerror");
template <class T>
constexpr Option<T> kDmarcReject = action_option<T, &PolicyActions::dmarc_reject>("dmarc_reject");
template <class T>
constexpr Option<T> kDmarcQuarantine =
    action_option<T, &PolicyActions::dmarc_quarantine>("dmarc_quarantine");
template <class T>
constexpr Option<T> kDmarcTemperror =
    action_option<T, &PolicyActions::dmarc_temperror>("dmarc_temperror");
template <class T>
constexpr Option<T> kDmarcPermerror =
    action_option<T, &PolicyActions::dmarc_permerror>("dmarc_permerror");

constexpr Option<Config> kPolicy[] = {
    kSpfFail<Config>,
    kSpfSoftfail<Config>,
    kSpfTemperror<Config>,
    kSpfPermerror<Config>,
    kDmarcReject<Config>,
    kDmarcQuarantine<Config>,
    kDmarcTemperror<Config>,
    kDmarcPermerror<Config>,
    {"tag_subject",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.policy.tag_subject, reader.parsed(value, parse_subject_tag));
     },
     [](const Config& config) { return literal(config.policy.tag_subject); }},
    tables_option<Config, PolicyOverride, overrides_of, override_options>("override",
                                                                          read_overrides),
    tables_option<Config, TrustedSealer, trusted_sealers_of, trusted_sealer_options>(
        "trusted_sealer", read_trusted_sealers),
    tables_option<Config, Forwarder, forwarders_of, forwarder_options>("forwarder",
                                                                       read_forwarders),
};

constexpr Option<Forwarder> kForwarder[] = {
    {"networks",
     [](Reader& reader, const Value& value, Forwarder& forwarder) {
       assign(forwarder.networks, reader.one_or_more(value, parse_network));
     },
     [](const Forwarder& forwarder) { return literal_list(forwarder.networks); }},
    {"internal",
     [](Reader& reader, const Value& value, Forwarder& forwarder) {
       assign(forwarder.internal, reader.one_or_more(value, parse_network));
     },
     [](const Forwarder& forwarder) {
       return forwarder.internal.empty() ? std::string() : literal_list(forwarder.internal);
     }},
    {"received_by",
     [](Reader& reader, const Value& value, Forwarder& forwarder) {
       assign(forwarder.received_by, reader.one_or_more(value, parse_domain));
     },
     [](const Forwarder& forwarder) { return literal_list(forwarder.received_by); }},
};

constexpr Option<TrustedSealer> kTrustedSealer[] = {
    {"domain",
     [](Reader& reader, const Value& value, TrustedSealer& sealer) {
       assign(sealer.domain, reader.parsed(value, parse_domain));
     },
     [](const TrustedSealer& sealer) { return literal(sealer.domain.text()); }},
    {"networks",
     [](Reader& reader, const Value& value, TrustedSealer& sealer) {
       assign(sealer.networks, reader.one_or_more(value, parse_network));
     },
     [](const TrustedSealer& sealer) {
       return sealer.networks.empty() ? std::string() : literal_list(sealer.networks);
     }},
    {"max_age",
     [](Reader& reader, const Value& value, TrustedSealer& sealer) {
       if (const auto age = reader.duration(value, kNoAge, kLongestAge))
         sealer.max_age = std::chrono::duration_cast<std::chrono::seconds>(*age);
     },
     [](const TrustedSealer& sealer) { return literal(print_duration(sealer.max_age)); }},
    sealed_action_option<&TrustedSealer::dmarc_reject>("dmarc_reject"),
    sealed_action_option<&TrustedSealer::dmarc_quarantine>("dmarc_quarantine"),
};

constexpr Option<MailingList> kMailingList[] = {
    {"id",
     [](Reader& reader, const Value& value, MailingList& list) {
       assign(list.id, reader.parsed(value, parse_domain));
     },
     [](const MailingList& list) { return literal(list.id.text()); }},
    {"signed_by",
     [](Reader& reader, const Value& value, MailingList& list) {
       assign(list.signed_by, reader.parsed(value, parse_domain));
     },
     [](const MailingList& list) { return literal(list.signed_by.text()); }},
};

constexpr Option<PolicyOverride> kOverride[] = {
    condition_option<&PolicyOverride::client, parse_network>("client"),
    condition_option<&PolicyOverride::author_domain, parse_domain_pattern>("author_domain"),
    condition_option<&PolicyOverride::mail_from, parse_mail_from_pattern>("mail_from"),
    condition_option<&PolicyOverride::recipient, parse_recipient_pattern>("recipient"),
    condition_option<&PolicyOverride::dkim_domain, parse_domain_pattern>("dkim_domain"),
    {"list", read_lists, print_lists,
     [](std::vector<std::string>& keys, const std::string& path) {
       list_keys(keys, path, mailing_list_options());
     }},
    kSpfFail<PolicyOverride>,
    kSpfSoftfail<PolicyOverride>,
    kSpfTemperror<PolicyOverride>,
    kSpfPermerror<PolicyOverride>,
    kDmarcReject<PolicyOverride>,
    kDmarcQuarantine<PolicyOverride>,
    kDmarcTemperror<PolicyOverride>,
    kDmarcPermerror<PolicyOverride>,
};

}  // namespace

Options<Config> policy_options() { return kPolicy; }
Options<PolicyOverride> override_options() { return kOverride; }
Options<TrustedSealer> trusted_sealer_options() { return kTrustedSealer; }
Options<MailingList> mailing_list_options() { return kMailingList; }
Options<Forwarder> forwarder_options() { return kForwarder; }

}  // namespace authmilter
