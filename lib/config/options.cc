#include "config/options.h"

#include <chrono>
#include <cstdint>

#include "base/ascii.h"
#include "config/formats.h"

namespace authmilter {
namespace {

using namespace std::chrono_literals;

constexpr auto kShortestWait = 100ms;
// Postfix gives a milter 300 s for the end of a message (milter_content_timeout).
constexpr auto kLongestWait = std::chrono::milliseconds(300s);
// A walk of the DMARC tree alone may ask eight questions (RFC 9989 section 4.10).
constexpr unsigned kMostQueries = 1000;
constexpr unsigned kLeastCacheOctets = 1 << 20;
constexpr unsigned kMostCacheOctets = 1 << 30;
constexpr unsigned kMostSignatures = 100;
// Twice what RFC 7208 section 4.6.4 allows is as far as the walk goes.
constexpr unsigned kMostSpfLookups = 20;
constexpr unsigned kMostHeaderOctets = 16U << 20U;

constexpr Choice<DnssecMode> kDnssecModes[] = {
    {"auto", DnssecMode::automatic}, {"on", DnssecMode::on}, {"off", DnssecMode::off}};
constexpr Choice<VerifyMode> kVerifyModes[] = {{"enforce", VerifyMode::enforce},
                                               {"monitor", VerifyMode::monitor}};
constexpr Choice<AddedFields> kAddedFields[] = {{"accept", AddedFields::accept},
                                                {"not-a-pass", AddedFields::not_a_pass}};
constexpr Choice<LogTarget> kLogTargets[] = {{"journal", LogTarget::journal},
                                             {"syslog", LogTarget::syslog},
                                             {"stderr", LogTarget::stderr_stream}};
constexpr Choice<LogFormat> kLogFormats[] = {{"text", LogFormat::text}, {"json", LogFormat::json}};
constexpr Choice<LogLevel> kLogLevels[] = {{"error", LogLevel::error},
                                           {"warning", LogLevel::warning},
                                           {"info", LogLevel::info},
                                           {"debug", LogLevel::debug}};

std::string to_text(unsigned number) { return fmt::format("{}", number); }
std::string to_text(std::size_t number) { return fmt::format("{}", number); }

std::vector<std::string> to_texts(const std::vector<std::filesystem::path>& paths) {
  return {paths.begin(), paths.end()};
}

constexpr Option<Config> kMilter[] = {
    {"socket",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.milter.sockets, reader.one_or_more(value, parse_socket));
     },
     [](const Config& config) {
       const auto& sockets = config.milter.sockets;
       return sockets.size() == 1 ? literal(sockets.front().text()) : literal_list(sockets);
     }},
    {"socket_mode",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.milter.socket_mode, reader.parsed(value, parse_socket_mode));
     },
     [](const Config& config) { return fmt::format("\"{:04o}\"", config.milter.socket_mode); }},
    {"socket_group",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.milter.socket_group, reader.parsed(value, parse_group));
     },
     [](const Config& config) { return literal(config.milter.socket_group); }},
};

constexpr Option<Config> kIdentity[] = {
    {"authserv_id",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.authserv_id, reader.parsed(value, parse_domain));
     },
     [](const Config& config) {
       return config.authserv_id ? literal(config.authserv_id->text()) : "";
     }},
    {"trusted_authserv_ids",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.trusted_authserv_ids, reader.list(value, parse_domain));
     },
     [](const Config& config) { return literal_list(config.trusted_authserv_ids); }},
};

constexpr Option<Config> kDns[] = {
    {"nameservers",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.dns.nameservers, reader.list(value, parse_nameserver));
     },
     [](const Config& config) { return literal_list(config.dns.nameservers); }},
    {"zones",
     [](Reader& reader, const Value& value, Config& config) {
       const auto zones = reader.list(value, parse_path);
       if (!zones) return;
       config.dns.zones.assign(zones->begin(), zones->end());
       config.dns.zones_where = reader.where(value.place);
     },
     [](const Config& config) { return literal_list(to_texts(config.dns.zones)); }},
    {"dnssec",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.dns.dnssec, reader.choice<DnssecMode>(value, kDnssecModes));
     },
     [](const Config& config) {
       return literal_choice<DnssecMode>(config.dns.dnssec, kDnssecModes);
     }},
    {"trust_anchor",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.dns.trust_anchor, reader.parsed(value, parse_optional_path));
     },
     [](const Config& config) { return literal(config.dns.trust_anchor.string()); }},
    {"timeout",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.dns.timeout, reader.duration(value, kShortestWait, kLongestWait));
     },
     [](const Config& config) { return literal(print_duration(config.dns.timeout)); }},
    {"message_timeout",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.dns.message_timeout, reader.duration(value, kShortestWait, kLongestWait));
     },
     [](const Config& config) { return literal(print_duration(config.dns.message_timeout)); }},
    {"message_queries",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.dns.message_queries, reader.number(value, 1, kMostQueries));
     },
     [](const Config& config) { return to_text(config.dns.message_queries); }},
    {"cache_octets",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.dns.cache_octets, reader.number(value, kLeastCacheOctets, kMostCacheOctets));
     },
     [](const Config& config) { return to_text(config.dns.cache_octets); }},
};

constexpr Option<Config> kVerify[] = {
    {"mode",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.verify.mode, reader.choice<VerifyMode>(value, kVerifyModes));
     },
     [](const Config& config) {
       return literal_choice<VerifyMode>(config.verify.mode, kVerifyModes);
     }},
    {"maximum_signatures",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.verify.maximum_signatures, reader.number(value, 1, kMostSignatures));
     },
     [](const Config& config) { return to_text(config.verify.maximum_signatures); }},
    {"minimum_rsa_bits",
     [](Reader& reader, const Value& value, Config& config) {
       // RFC 8301 section 3.2: verifiers must not accept less than 1024 bits. Above 8192 no key is
       // read.
       assign(config.verify.minimum_rsa_bits, reader.number(value, 1024, 8192));
     },
     [](const Config& config) { return to_text(config.verify.minimum_rsa_bits); }},
    {"spf_lookups",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.verify.spf_lookups, reader.number(value, 1, kMostSpfLookups));
     },
     [](const Config& config) { return to_text(config.verify.spf_lookups); }},
    {"spf_void_lookups",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.verify.spf_void_lookups, reader.number(value, 0, kMostSpfLookups));
     },
     [](const Config& config) { return to_text(config.verify.spf_void_lookups); }},
    {"added_fields",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.verify.added_fields, reader.choice<AddedFields>(value, kAddedFields));
     },
     [](const Config& config) {
       return literal_choice<AddedFields>(config.verify.added_fields, kAddedFields);
     }},
    {"header_fields",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.verify.limits.fields, reader.number(value, 10, 100'000));
     },
     [](const Config& config) { return to_text(config.verify.limits.fields); }},
    {"header_octets",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.verify.limits.total_octets, reader.number(value, 4096, kMostHeaderOctets));
     },
     [](const Config& config) { return to_text(config.verify.limits.total_octets); }},
    {"header_field_octets",
     [](Reader& reader, const Value& value, Config& config) {
       // RFC 5322 section 2.1.1: one unfolded line may have 998 characters.
       assign(config.verify.limits.field_octets, reader.number(value, 998, kMostHeaderOctets));
     },
     [](const Config& config) { return to_text(config.verify.limits.field_octets); }},
    {"from_octets",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.verify.limits.from_octets, reader.number(value, 998, kMostHeaderOctets));
     },
     [](const Config& config) { return to_text(config.verify.limits.from_octets); }},
};

constexpr Option<Config> kLog[] = {
    {"target",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.log.target, reader.choice<LogTarget>(value, kLogTargets));
     },
     [](const Config& config) {
       return literal_choice<LogTarget>(config.log.target, kLogTargets);
     }},
    {"format",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.log.format, reader.choice<LogFormat>(value, kLogFormats));
     },
     [](const Config& config) {
       return literal_choice<LogFormat>(config.log.format, kLogFormats);
     }},
    {"level",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.log.level, reader.choice<LogLevel>(value, kLogLevels));
     },
     [](const Config& config) { return literal_choice<LogLevel>(config.log.level, kLogLevels); }},
};

constexpr Option<Config> kMetrics[] = {
    {"listen",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.metrics_listen, reader.parsed(value, parse_listen));
     },
     [](const Config& config) {
       return literal(config.metrics_listen ? config.metrics_listen->text() : "");
     }},
};

}  // namespace

std::span<const Section> sections() {
  static const Section kSections[] = {{"milter", kMilter},
                                      {"identity", kIdentity},
                                      {"network", network_options()},
                                      {"dns", kDns},
                                      {"verify", kVerify},
                                      {"policy", policy_options()},
                                      {"signing", signing_options()},
                                      {"rotation", rotation_options()},
                                      {"arc", arc_options()},
                                      {"reports", reports_options()},
                                      {"log", kLog},
                                      {"metrics", kMetrics}};
  return kSections;
}

}  // namespace authmilter
