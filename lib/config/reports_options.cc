#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ascii.h"
#include "config/formats.h"
#include "config/options.h"

namespace authmilter {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// A report of a day is sent on the next, and one that could not be, later.
constexpr auto kShortestRetention = milliseconds(24h * 3);
constexpr auto kLongestRetention = milliseconds(24h * 3660);
constexpr std::size_t kTextOctets = 255;

Result<std::optional<StoreAddress>> parse_store(std::string_view text) {
  if (text.empty()) return std::optional<StoreAddress>();
  auto address = StoreAddress::parse(text);
  if (!address) return address.error();
  return std::optional(std::move(*address));
}

Result<std::string> parse_directory(std::string_view text) {
  if (text.empty()) return std::string();
  if (!text.starts_with('/') || text.find('\0') != std::string_view::npos)
    return Error{fmt::format("\"{}\" is not the whole path of a directory", printable(text))};
  return std::string(text);
}

/// What readers of reports are shown.
Result<std::string> parse_shown_text(std::string_view text) {
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  if (control || text.size() > kTextOctets) return Error{"must be one line of at most 255 octets"};
  return std::string(text);
}

Result<std::string> parse_mailbox(std::string_view text) {
  if (text.empty()) return std::string();
  const auto pattern = AddressPattern::parse(text);
  const bool plain = std::all_of(text.begin(), text.end(), is_visible);
  if (!plain || !pattern || !pattern->is_mailbox() || pattern->domain->below)
    return Error{fmt::format("\"{}\" is not a mail address", printable(text))};
  return std::string(text);
}

Result<ReportKeep> parse_keep(std::string_view text) {
  if (text == "envelope_to") return ReportKeep::envelope_to;
  return Error{fmt::format("\"{}\" is not \"envelope_to\"", printable(text))};
}

/// Whom mail is not counted of: a network, an author's domain, or a recipient.
struct Exclusion {
  std::variant<Network, DomainPattern, AddressPattern> what;
  std::string text() const {
    return std::visit([](const auto& member) { return member.text(); }, what);
  }
};

Result<Exclusion> parse_exclusion(std::string_view text) {
  if (const auto network = Network::parse(text)) return Exclusion{*network};
  if (text.find('@') != std::string_view::npos) {
    auto recipient = parse_recipient_pattern(text);
    if (!recipient) return recipient.error();
    return Exclusion{std::move(*recipient)};
  }
  auto domain = DomainPattern::parse(text);
  if (domain) return Exclusion{std::move(*domain)};
  return Error{
      fmt::format("\"{}\" is neither a network nor an author's domain nor a recipient \"@domain\"",
                  printable(text))};
}

void read_exclude(Reader& reader, const Value& value, Config& config) {
  const auto exclusions = reader.list(value, parse_exclusion);
  if (!exclusions) return;
  std::vector<Network> networks;
  std::vector<DomainPattern> authors;
  std::vector<AddressPattern> recipients;
  for (const Exclusion& exclusion : *exclusions) {
    if (const auto* network = std::get_if<Network>(&exclusion.what)) networks.push_back(*network);
    if (const auto* author = std::get_if<DomainPattern>(&exclusion.what))
      authors.push_back(*author);
    if (const auto* recipient = std::get_if<AddressPattern>(&exclusion.what))
      recipients.push_back(*recipient);
  }
  config.reports.exclude_networks = std::move(networks);
  config.reports.exclude_authors = std::move(authors);
  config.reports.exclude_recipients = std::move(recipients);
}

std::string print_exclude(const Config& config) {
  std::vector<std::string> texts;
  const auto add = [&](const auto& set) {
    for (const auto& member : set) texts.push_back(member.text());
  };
  add(config.reports.exclude_networks);
  add(config.reports.exclude_authors);
  add(config.reports.exclude_recipients);
  return literal_list(texts);
}

/// A string of [reports] that is kept as it is written.
template <auto Member, Result<std::string> (*Parse)(std::string_view)>
constexpr Option<Config> text_option(std::string_view key) {
  return {key,
          [](Reader& reader, const Value& value, Config& config) {
            assign(config.reports.*Member, reader.parsed(value, Parse));
          },
          [](const Config& config) { return literal(config.reports.*Member); }};
}

template <auto Member, unsigned Least, unsigned Most>
constexpr Option<Config> number_option(std::string_view key) {
  return {key,
          [](Reader& reader, const Value& value, Config& config) {
            assign(config.reports.*Member, reader.number(value, Least, Most));
          },
          [](const Config& config) { return fmt::format("{}", config.reports.*Member); }};
}

constexpr Option<Config> kReports[] = {
    {"store",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.reports.store, reader.parsed(value, parse_store));
     },
     [](const Config& config) {
       return literal(config.reports.store ? config.reports.store->text() : "");
     }},
    text_option<&ReportsConfig::spool, parse_directory>("spool"),
    {"retention",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.reports.retention,
              reader.duration(value, kShortestRetention, kLongestRetention));
     },
     [](const Config& config) { return literal(print_duration(config.reports.retention)); }},
    {"exclude", read_exclude, print_exclude},
    {"keep",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.reports.keep, reader.list(value, parse_keep));
     },
     [](const Config& config) {
       return config.reports.keep.empty() ? std::string("[]") : std::string("[\"envelope_to\"]");
     }},
    text_option<&ReportsConfig::organization, parse_shown_text>("organization"),
    text_option<&ReportsConfig::email, parse_mailbox>("email"),
    text_option<&ReportsConfig::contact, parse_shown_text>("contact"),
    {"deliver",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.reports.deliver, reader.parsed(value, ReportDelivery::parse));
     },
     [](const Config& config) { return literal(config.reports.deliver.text()); }},
    number_option<&ReportsConfig::maximum_octets, 64U << 10U, 100U << 20U>("maximum_octets"),
    number_option<&ReportsConfig::destinations, 1, 100>("destinations"),
    {"without_namespace",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.reports.without_namespace, reader.list(value, parse_domain));
     },
     [](const Config& config) { return literal_list(config.reports.without_namespace); }},
    {"failure_reports",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.reports.failure_reports, reader.boolean(value));
     },
     [](const Config& config) {
       return std::string(config.reports.failure_reports ? "true" : "false");
     }},
    number_option<&ReportsConfig::failure_reports_per_hour, 1, 1000>("failure_reports_per_hour"),
};

}  // namespace

Options<Config> reports_options() { return kReports; }

}  // namespace authmilter
