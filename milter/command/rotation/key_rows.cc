#include "rotation/key_rows.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <authmilter/published_key.h>

#include "output/output.h"
#include "rotation/dns_changes.h"
#include "rotation/domain_choice.h"

namespace authmilter::tools {
namespace {

constexpr std::int64_t kDay = 86400;

std::string_view published_word(Publication publication) {
  // An empty p= is another record than the key's.
  return to_string(publication == Publication::revoked ? Publication::differs : publication);
}

/// For people, of a key that the daemon does not sign with, whatever the state says.
std::string put_it_back(const KeyLife& key, const DomainKeys& keys) {
  switch (key.state) {
    case KeyState::pending:
      return fmt::format("not in the configuration: authmilter key rotate {}", keys.domain.text());
    case KeyState::retired:
      return fmt::format("not in the configuration: authmilter key retire {} {}",
                         keys.domain.text(), key.selector.text());
    case KeyState::active:
    case KeyState::retiring:
      break;
  }
  return "not in the configuration: put it back";
}

KeyRow row_of(const KeyLife& key, const DomainKeys& keys, const SigningDomainConfig& domain,
              const RotationConfig& config) {
  KeyRow row = {.domain = keys.domain.text(),
                .selector = key.selector.text(),
                .type = std::string(to_string(key.type)),
                .bits = key.bits,
                .state = std::string(to_string(key.state)),
                .since = key.since,
                .published = std::string(published_word(key.published)),
                .servers = key.servers,
                .dnssec = key.dnssec,
                .last_used = key.last_used,
                .next = describe_next_step(key, keys, config),
                .needs_person = needs_person(key, keys, config)};
  if (!is_configured(domain, key.selector) && !key.given_up) {
    row.next = put_it_back(key, keys);
    row.needs_person = true;
  } else if (next_step(key, keys, config) == NextStep::publish_empty &&
             key.published == Publication::differs) {
    row.next = "see to its name by hand: another record stands there, and is left alone";
  }
  return row;
}

/// What only a look can go on with stands still, and somebody has to see why.
void say_unwatched(std::vector<KeyRow>& rows, std::int64_t since, std::int64_t now) {
  const std::string why = since > now ? "its last look is in the future, " + print_utc(since)
                                      : "nobody has looked since " + print_utc(since);
  for (KeyRow& row : rows) {
    if (row.needs_person && row.state == to_string(KeyState::pending)) {
      row.next += "; " + why;
      continue;
    }
    row.next = "see whether authmilter-keys.timer runs: " + why +
               (row.next == "nothing" ? "" : "; then " + row.next);
    row.needs_person = true;
  }
}

Publication publication_of(KeyCheckResult result) {
  switch (result) {
    case KeyCheckResult::match:
      return Publication::match;
    case KeyCheckResult::missing:
      return Publication::missing;
    case KeyCheckResult::temperror:
      return Publication::temperror;
    case KeyCheckResult::mismatch:
    case KeyCheckResult::revoked:
    case KeyCheckResult::malformed:
    case KeyCheckResult::multiple:
      return Publication::differs;
  }
  return Publication::temperror;
}

/// A key without a state signs, whatever is published.
KeyRow row_without_state(const SigningKey& key, Resolver& resolver) {
  const KeyCheck check = check_published_key(key, resolver);
  const auto name = key.selector.key_name(key.domain);
  KeyRow row{.domain = key.domain.text(), .selector = key.selector.text(), .state = "active"};
  if (!key.key->unavailable()) {
    row.type = to_string(key.key->type());
    row.bits = key.key->bits();
  }
  row.published = to_string(publication_of(check.result));
  row.dnssec = name && resolver.resolve({*name, RrType::txt})->secure;
  row.needs_person = check.result != KeyCheckResult::match;
  row.next = row.needs_person ? "publish the record" : "nothing";
  if (check.result == KeyCheckResult::temperror) row.next = "look again: " + check.detail;
  return row;
}

std::string day_text(std::int64_t days) {
  return days == 0 ? "" : print_utc(days * kDay).substr(0, 10);
}

std::string age_text(const KeyRow& row, std::int64_t now) {
  return row.since == 0 ? "" : fmt::format("{}", std::max<std::int64_t>(now - row.since, 0) / kDay);
}

using Cells = std::array<std::string, 12>;

Cells cells_of(const KeyRow& row, std::int64_t now) {
  return {row.domain,
          row.selector,
          row.type,
          fmt::format("{}", row.bits),
          row.state,
          row.since == 0 ? "" : day_text(row.since / kDay),
          age_text(row, now),
          row.published,
          fmt::format("{}", row.servers),
          row.dnssec ? "yes" : "no",
          day_text(row.last_used),
          printable(row.next)};
}

constexpr std::array<std::string_view, 12> kNames = {
    "domain", "selector",  "type",    "bits",   "state",     "since",
    "days",   "published", "servers", "dnssec", "last_used", "next"};

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

Result<std::vector<KeyRow>> key_rows(const Config& config, const SigningDomainConfig& domain,
                                     const KeyStateFiles& states, const KeyStateFiles::Uses& uses,
                                     Resolver& resolver, std::int64_t now) {
  std::vector<KeyRow> rows;
  auto state = states.read(domain.domain);
  if (!state) return state.error();
  DomainKeys known = state->value_or(DomainKeys{domain.domain, {}, {}});
  take_uses(known, uses);
  for (const KeyLife& key : known.keys) rows.push_back(row_of(key, known, domain, config.rotation));
  if (*state && unwatched_too_long(known, now, config.rotation))
    say_unwatched(rows, unwatched_since(known), now);
  const bool all_known =
      std::all_of(domain.keys.begin(), domain.keys.end(),
                  [&](const SigningKeyConfig& key) { return known.find(key.selector) != nullptr; });
  if (all_known) return rows;
  const auto configured = keys_of(config, domain);
  if (!configured) return configured.error();
  for (const SigningKey& key : *configured) {
    if (known.find(key.selector) == nullptr) rows.push_back(row_without_state(key, resolver));
  }
  return rows;
}

std::string rows_as_text(const std::vector<KeyRow>& rows, std::int64_t now) {
  std::vector<Cells> lines(1);
  std::copy(kNames.begin(), kNames.end(), lines.front().begin());
  for (const KeyRow& row : rows) lines.push_back(cells_of(row, now));
  Cells::size_type column = 0;
  std::array<std::size_t, kNames.size()> widths{};
  for (const Cells& line : lines) {
    for (column = 0; column < line.size(); ++column)
      widths[column] = std::max(widths[column], line[column].size());
  }
  std::string text;
  for (const Cells& line : lines) {
    std::string one;
    for (column = 0; column < line.size(); ++column)
      one += fmt::format("{:<{}}  ", line[column].empty() ? "-" : line[column],
                         std::max<std::size_t>(widths[column], 1));
    text += one.substr(0, one.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string rows_as_csv(const std::vector<KeyRow>& rows, std::int64_t now) {
  std::string text;
  for (const auto name : kNames) text += (text.empty() ? "" : ",") + std::string(name);
  text += "\r\n";
  for (const KeyRow& row : rows) {
    std::string line;
    const Cells cells = cells_of(row, now);
    for (std::size_t i = 0; i < cells.size(); ++i) line += (i == 0 ? "" : ",") + csv_cell(cells[i]);
    text += line + "\r\n";
  }
  return text;
}

}  // namespace authmilter::tools
