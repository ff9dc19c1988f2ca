#include <authmilter/config.h>

#include <string_view>

#include "base/ascii.h"
#include "base/file.h"
#include "config/drop_ins.h"
#include "config/options.h"
#include "config/paths.h"

namespace authmilter {
namespace {

// More than half a million signing domains.
constexpr std::size_t kFileOctets = 64U << 20U;

void read_sections(Reader& reader, const Value& root, Config& config) {
  for (const Value& value : root.children) {
    const auto known = sections();
    const auto section = std::find_if(known.begin(), known.end(),
                                      [&](const Section& s) { return s.name == value.key; });
    if (section != known.end()) {
      if (reader.expect(value, ValueKind::table))
        read_table(reader, value, section->options, config);
      continue;
    }
    std::vector<std::string_view> names;
    for (const Section& s : known) names.push_back(s.name);
    refuse_unknown(reader, value, "", names);
  }
}

/// Settings that are right each by itself but not together. Defaults contradict nothing: who lowers
/// one limit need not lower the others.
void check_header_limits(Reader& reader, const Value& root, const HeaderLimits& limits) {
  const Value* verify = root.find("verify");
  if (verify == nullptr) return;
  const Value* total = verify->find("header_octets");
  const Value* field = verify->find("header_field_octets");
  const Value* from = verify->find("from_octets");
  if (total != nullptr && field != nullptr && limits.field_octets > limits.total_octets)
    reader.refuse(*field, "is more than verify.header_octets");
  if (field != nullptr && from != nullptr && limits.from_octets > limits.field_octets)
    reader.refuse(*from, "is more than verify.header_field_octets");
}

void check_timeouts(Reader& reader, const Value& root, const DnsConfig& dns) {
  const Value* table = root.find("dns");
  if (table == nullptr) return;
  const Value* query = table->find("timeout");
  const Value* message = table->find("message_timeout");
  if (query != nullptr && message != nullptr && dns.timeout > dns.message_timeout)
    reader.refuse(*query, "is more than dns.message_timeout");
}

constexpr std::size_t kLoginMapOctets = 64U << 20U;

Status read_login_map(SigningConfig& config, const std::filesystem::path& directory) {
  std::filesystem::path& path = config.login_map.path;
  if (path.empty()) return Done{};
  make_absolute(path, directory);
  const auto text = read_file(path, kLoginMapOctets);
  if (!text) {
    return Error{
        fmt::format("{}: cannot read signing.login_map: {}", path.string(), text.error().message)};
  }
  auto map = LoginMap::parse(*text, config.login_map.form, path.string());
  if (!map) return map.error();
  config.logins = std::move(*map);
  return Done{};
}

Status read_tables(SigningConfig& config, const std::filesystem::path& directory) {
  if (config.table_names.keys.empty()) return Done{};
  for (DataSetName* name : {&config.table_names.keys, &config.table_names.senders}) {
    if (name->kind != DataSetName::Kind::list)
      name->rest = (directory / name->rest).lexically_normal().string();
  }
  auto tables = SigningTables::load(config.table_names, directory);
  if (!tables) return tables.error();
  config.tables = std::move(*tables);
  return Done{};
}

/// OpenDKIM has no use for one of the tables without the other.
void check_tables(Reader& reader, const Value& root, const SigningTableNames& names) {
  const Value* signing = root.find("signing");
  if (signing == nullptr || names.keys.empty() == names.senders.empty()) return;
  const char* named = names.keys.empty() ? "signing_table" : "key_table";
  const char* other = names.keys.empty() ? "key_table" : "signing_table";
  if (const Value* value = signing->find(named))
    reader.refuse(*value, fmt::format("needs signing.{} beside it", other));
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& name,
                            const std::string& host_name) {
  const auto document = parse_document(text, name);
  if (!document) return document.error();

  Config config;
  config.internal = {*Network::parse("127.0.0.0/8"), *Network::parse("::1/128")};
  Reader reader(name);
  read_sections(reader, *document, config);
  if (!reader.error()) check_header_limits(reader, *document, config.verify.limits);
  if (!reader.error()) check_timeouts(reader, *document, config.dns);
  if (!reader.error()) check_arc(reader, *document, config.arc);
  if (!reader.error()) check_tables(reader, *document, config.signing.table_names);
  if (!reader.error() && !config.authserv_id) {
    config.authserv_id = DomainName::parse(host_name);
    if (!config.authserv_id) {
      reader.refuse(Place{}, fmt::format("identity.authserv_id: is needed, since the host's name "
                                         "\"{}\" is not a domain name",
                                         printable(host_name)));
    }
  }
  if (reader.error()) return *reader.error();
  return config;
}

Result<Config> load_config(const std::filesystem::path& path, const std::string& host_name,
                           const KnownDropIns* known) {
  const auto text = read_file(path, kFileOctets);
  if (!text) return Error{fmt::format("{}: cannot read: {}", path.string(), text.error().message)};
  auto config = parse_config(*text, path.string(), host_name);
  if (!config) return config;

  // A daemon leaves the directory it was started in, so what is relative must not stay it.
  std::error_code ignored;
  const auto absolute = std::filesystem::absolute(path, ignored);
  const auto directory = (absolute.empty() ? path : absolute).parent_path();
  for (auto& zone : config->dns.zones) make_absolute(zone, directory);
  if (!config->dns.trust_anchor.empty()) make_absolute(config->dns.trust_anchor, directory);
  for (auto& domain : config->signing.domains) make_absolute(domain, directory);
  auto& sealing = config->arc.source;
  if (sealing && sealing->store == KeyStore::file)
    sealing->text = (directory / sealing->text).lexically_normal().string();
  if (auto read = read_login_map(config->signing, directory); !read) return read.error();
  if (auto read = read_tables(config->signing, directory); !read) return read.error();
  make_absolute(config->signing.state_directory, directory);
  auto& retired = config->rotation.publish_retired;
  if (!retired.empty()) retired = (directory / retired).lexically_normal().string();
  if (config->signing.directory.empty()) return config;
  make_absolute(config->signing.directory, directory);
  auto drop_ins = read_drop_ins(config->signing.directory, known);
  if (!drop_ins) return drop_ins.error();
  config->signing.drop_ins = std::move(*drop_ins);
  keep_one_table_each(config->signing, known);
  return config;
}

std::vector<const SigningDomainConfig*> SigningConfig::all_domains() const {
  std::vector<const SigningDomainConfig*> all;
  for (const SigningDomainConfig& domain : domains) all.push_back(&domain);
  for (const auto& drop_in : drop_ins) {
    for (const SigningDomainConfig& domain : drop_in->domains) all.push_back(&domain);
  }
  return all;
}

std::vector<std::string> config_keys() {
  std::vector<std::string> keys;
  for (const Section& section : sections())
    list_keys(keys, std::string(section.name), section.options);
  return keys;
}

}  // namespace authmilter
