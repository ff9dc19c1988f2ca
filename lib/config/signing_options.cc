#include <algorithm>
#include <chrono>
#include <string>
#include <unordered_set>

#include "base/ascii.h"
#include "config/formats.h"
#include "config/options.h"
#include "config/signing_profile_options.h"

namespace authmilter {
namespace {

using namespace std::chrono_literals;

constexpr auto kShortestTokenTimeout = 10ms;
// Postfix waits 300 s for a milter at the end of a message, and others less.
constexpr auto kLongestTokenTimeout = 60s;

/// Refuses a table without a key that it needs, unless a mistake in it explains that.
void need(Reader& reader, const Value& table, std::string_view key) {
  if (!reader.error() && table.find(key) == nullptr)
    reader.refuse(table, fmt::format("has no {}", key));
}

/// The name of a domain that is signed for. Patterns are of other settings.
Result<DomainName> parse_signing_domain(std::string_view text) {
  const auto below = DomainName::parse(text.substr(text.starts_with("*.") ? 2 : 0));
  if (!text.starts_with("*.") || !below) return parse_domain(text);
  return Error{
      fmt::format("\"{}\" is not a domain name, write \"{}\" and, for the names below it, "
                  "subdomains = true",
                  printable(text), below->text())};
}

/// A `[[signing.domain]]` or an entry of its keys while it is read: a DomainName cannot be empty.
const DomainName& unnamed() {
  static const DomainName name = *DomainName::parse("invalid");
  return name;
}

/// A key is in one place: which of two is meant would be a guess.
void need_one_source(Reader& reader, const Value& table) {
  const Value* file = table.find("file");
  const Value* key = table.find("key");
  if (file == nullptr && key == nullptr && !reader.error())
    reader.refuse(table, "has no file, nor a key that is kept elsewhere");
  if (file != nullptr && key != nullptr)
    reader.refuse(
        *std::max(file, key, [](const Value* a, const Value* b) { return a->place < b->place; }),
        "a key has either a file or a key");
}

void read_keys(Reader& reader, const Value& value, SigningDomainConfig& domain) {
  const auto tables = reader.tables(value);
  if (value.kind == ValueKind::list && tables.empty() && value.children.empty())
    reader.refuse(value, "must not be empty");
  std::unordered_set<std::string> selectors;
  domain.keys.reserve(tables.size());
  for (const Value& table : tables) {
    SigningKeyConfig key{unnamed(), {}, reader.place(table.place)};
    read_table(reader, table, signing_key_options(), key);
    need(reader, table, "selector");
    need_one_source(reader, table);
    const Value* selector = table.find("selector");
    if (selector != nullptr && !selectors.insert(key.selector.text()).second)
      reader.refuse(*selector, fmt::format("\"{}\" has a key already", key.selector.text()));
    domain.keys.push_back(std::move(key));
  }
}

}  // namespace

void read_signing_domains(Reader& reader, const Value& value, Config& config) {
  auto& domains = config.signing.domains;
  const auto tables = reader.tables(value);
  std::unordered_set<std::string> names;
  names.reserve(tables.size());
  domains.reserve(tables.size());
  for (const Value& table : tables) {
    SigningDomainConfig domain{unnamed(), false, {}, reader.place(table.place)};
    read_table(reader, table, signing_domain_options(), domain);
    need(reader, table, "domain");
    need(reader, table, "keys");
    const Value* name = table.find("domain");
    if (name != nullptr && !names.insert(domain.domain.text()).second)
      reader.refuse(*name, fmt::format("\"{}\" is configured already", domain.domain.text()));
    domains.push_back(std::move(domain));
  }
}

namespace {

const std::vector<SigningDomainConfig>& domains_of(const Config& config) {
  return config.signing.domains;
}

std::string print_keys(const std::vector<SigningKeyConfig>& keys) {
  std::string out = "[\n";
  for (const auto& key : keys) {
    out += fmt::format("  {{ selector = {}, {} = {} }},\n", literal(key.selector.text()),
                       key.source.store == KeyStore::file ? "file" : "key",
                       literal(key.source.written()));
  }
  return out + "]";
}

constexpr Choice<SenderMismatch> kMismatches[] = {{"unsigned", SenderMismatch::left_unsigned},
                                                  {"refuse", SenderMismatch::refused}};

/// Postfix's "milter_macro_daemon_name" and Sendmail's DaemonPortOptions=Name.
Result<std::string> parse_daemon_name(std::string_view text) {
  const bool good =
      !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), is_printable);
  if (good) return std::string(text);
  return Error{fmt::format("\"{}\" is not the name of a listener", printable(text))};
}

const std::vector<SigningPermit>& permits_of(const Config& config) {
  return config.signing.permits;
}

void read_permits(Reader& reader, const Value& value, Config& config) {
  for (const Value& table : reader.tables(value)) {
    SigningPermit permit;
    read_table(reader, table, signing_permit_options(), permit);
    need(reader, table, "domains");
    // Without either it would be for all mail, which is mostly a slip.
    if (!reader.error() && permit.clients.empty() && permit.daemon_names.empty())
      reader.refuse(table, "has neither clients nor daemon_names");
    config.signing.permits.push_back(std::move(permit));
  }
}

constexpr Option<SigningPermit> kPermit[] = {
    {"clients",
     [](Reader& reader, const Value& value, SigningPermit& permit) {
       auto networks = reader.one_or_more(value, parse_network);
       if (networks) permit.clients = *std::move(networks);
     },
     [](const SigningPermit& permit) {
       return permit.clients.empty() ? "" : literal_list(permit.clients);
     }},
    {"daemon_names",
     [](Reader& reader, const Value& value, SigningPermit& permit) {
       assign(permit.daemon_names, reader.one_or_more(value, parse_daemon_name));
     },
     [](const SigningPermit& permit) {
       return permit.daemon_names.empty() ? "" : literal_list(permit.daemon_names);
     }},
    {"domains",
     [](Reader& reader, const Value& value, SigningPermit& permit) {
       auto domains = reader.one_or_more(value, parse_domain_pattern);
       if (domains) permit.domains = *std::move(domains);
     },
     [](const SigningPermit& permit) { return literal_list(permit.domains); }},
};

constexpr Option<Config> kSigning[] = {
    kHeaders<Config>,
    kOversign<Config>,
    kOversignPresent<Config>,
    kLifetime<Config>,
    kCanonicalization<Config>,
    kOrder<Config>,
    {"also",
     [](Reader& reader, const Value& value, Config& config) {
       kAlso<Config>.read(reader, value, config);
       config.signing.also_place = reader.place(value.place);
     },
     kAlso<Config>.print},
    {"require_sender_match",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.signing.require_sender_match, reader.boolean(value));
     },
     [](const Config& config) {
       return std::string(config.signing.require_sender_match ? "true" : "false");
     }},
    {"mismatch",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.signing.mismatch, reader.choice<SenderMismatch>(value, kMismatches));
     },
     [](const Config& config) {
       return literal_choice<SenderMismatch>(config.signing.mismatch, kMismatches);
     }},
    {"login_map",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.signing.login_map, reader.parsed(value, LoginMapFile::parse));
     },
     [](const Config& config) { return literal(config.signing.login_map.text()); }},
    tables_option<Config, SigningPermit, permits_of, signing_permit_options>("permit",
                                                                             read_permits),
    {"key_table",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.signing.table_names.keys, reader.parsed(value, DataSetName::parse));
     },
     [](const Config& config) { return literal(config.signing.table_names.keys.text()); }},
    {"signing_table",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.signing.table_names.senders, reader.parsed(value, DataSetName::parse));
     },
     [](const Config& config) { return literal(config.signing.table_names.senders.text()); }},
    {"multiple_signatures",
     [](Reader& reader, const Value& value, Config& config) {
       const auto all = reader.boolean(value);
       if (all) config.signing.table_names.matches = *all ? TableMatches::all : TableMatches::first;
     },
     [](const Config& config) {
       return std::string(config.signing.table_names.matches == TableMatches::all ? "true"
                                                                                  : "false");
     }},
    {"minimum_rsa_bits",
     [](Reader& reader, const Value& value, Config& config) {
       // RFC 8301 section 3.2: signers must use at least 1024 bits. Above 8192 no key is read.
       assign(config.signing.minimum_rsa_bits, reader.number(value, 1024, 8192));
     },
     [](const Config& config) { return fmt::format("{}", config.signing.minimum_rsa_bits); }},
    {"token_timeout",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.signing.token_timeout,
              reader.duration(value, kShortestTokenTimeout, kLongestTokenTimeout));
     },
     [](const Config& config) { return literal(print_duration(config.signing.token_timeout)); }},
    {"directory",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.signing.directory, reader.parsed(value, parse_optional_path));
     },
     [](const Config& config) { return literal(config.signing.directory.string()); }},
    {"state_directory",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.signing.state_directory, reader.parsed(value, parse_path));
     },
     [](const Config& config) { return literal(config.signing.state_directory.string()); }},
    tables_option<Config, SigningDomainConfig, domains_of, signing_domain_options>(
        "domain", read_signing_domains),
};

constexpr Option<SigningDomainConfig> kDomain[] = {
    {"domain",
     [](Reader& reader, const Value& value, SigningDomainConfig& domain) {
       assign(domain.domain, reader.parsed(value, parse_signing_domain));
     },
     [](const SigningDomainConfig& domain) { return literal(domain.domain.text()); }},
    {"subdomains",
     [](Reader& reader, const Value& value, SigningDomainConfig& domain) {
       assign(domain.subdomains, reader.boolean(value));
     },
     [](const SigningDomainConfig& domain) {
       return std::string(domain.subdomains ? "true" : "false");
     }},
    {"keys", read_keys, [](const SigningDomainConfig& domain) { return print_keys(domain.keys); },
     [](std::vector<std::string>& keys, const std::string& path) {
       list_keys(keys, path, signing_key_options());
     }},
    kHeaders<SigningDomainConfig>,
    kOversign<SigningDomainConfig>,
    kOversignPresent<SigningDomainConfig>,
    kLifetime<SigningDomainConfig>,
    kCanonicalization<SigningDomainConfig>,
    kOrder<SigningDomainConfig>,
    kAlso<SigningDomainConfig>,
};

constexpr Option<SigningKeyConfig> kKey[] = {
    {"selector",
     [](Reader& reader, const Value& value, SigningKeyConfig& key) {
       assign(key.selector, reader.parsed(value, Selector::of_own_key));
     },
     [](const SigningKeyConfig& key) { return literal(key.selector.text()); }},
    {"file",
     [](Reader& reader, const Value& value, SigningKeyConfig& key) {
       auto path = reader.parsed(value, parse_path);
       if (path) key.source = KeySource::of_file(*std::move(path));
     },
     [](const SigningKeyConfig& key) {
       return key.source.store == KeyStore::file ? literal(key.source.text) : "";
     }},
    {"key",
     [](Reader& reader, const Value& value, SigningKeyConfig& key) {
       assign(key.source, reader.parsed(value, KeySource::parse_key));
     },
     [](const SigningKeyConfig& key) {
       return key.source.store == KeyStore::file ? "" : literal(key.source.written());
     }},
};

}  // namespace

Options<Config> signing_options() { return kSigning; }
Options<SigningDomainConfig> signing_domain_options() { return kDomain; }
Options<SigningKeyConfig> signing_key_options() { return kKey; }
Options<SigningPermit> signing_permit_options() { return kPermit; }

}  // namespace authmilter
