#include "config/formats.h"
#include "config/options.h"

namespace authmilter {
namespace {

constexpr Choice<TlsLevel> kTlsVersions[] = {{"none", TlsLevel::none},
                                             {"TLSv1", TlsLevel::tls1_0},
                                             {"TLSv1.1", TlsLevel::tls1_1},
                                             {"TLSv1.2", TlsLevel::tls1_2},
                                             {"TLSv1.3", TlsLevel::tls1_3}};

void read_requirements(Reader& reader, const Value& value, Config& config) {
  std::vector<TlsRequirement> requirements;
  for (const Value& table : reader.tables(value)) {
    TlsRequirement requirement;
    read_table(reader, table, tls_requirement_options(), requirement);
    if (table.find("clients") == nullptr) reader.refuse(table, "has no clients");
    requirements.push_back(std::move(requirement));
  }
  config.require_tls = std::move(requirements);
}

const TlsRequirements& requirements_of(const Config& config) { return config.require_tls; }

constexpr Option<Config> kNetwork[] = {
    {"internal",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.internal, reader.list(value, parse_network));
     },
     [](const Config& config) { return literal_list(config.internal); }},
    tables_option<Config, TlsRequirement, requirements_of, tls_requirement_options>(
        "require_tls", read_requirements),
};

constexpr Option<TlsRequirement> kRequirement[] = {
    {"clients",
     [](Reader& reader, const Value& value, TlsRequirement& requirement) {
       assign(requirement.clients, reader.one_or_more(value, parse_network));
     },
     [](const TlsRequirement& requirement) { return literal_list(requirement.clients); }},
    {"minimum_version",
     [](Reader& reader, const Value& value, TlsRequirement& requirement) {
       assign(requirement.minimum, reader.choice<TlsLevel>(value, kTlsVersions));
     },
     [](const TlsRequirement& requirement) {
       return literal_choice<TlsLevel>(requirement.minimum, kTlsVersions);
     }},
};

}  // namespace

Options<Config> network_options() { return kNetwork; }
Options<TlsRequirement> tls_requirement_options() { return kRequirement; }

}  // namespace authmilter
