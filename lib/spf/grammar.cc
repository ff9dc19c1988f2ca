#include "spf/grammar.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/ascii.h"
#include "base/txt_record.h"

namespace authmilter::spf {
namespace {

using Fault = Reason<SpfReason>;

constexpr std::string_view kVersion = "v=spf1";
// No honest record comes near; it bounds the work and the steps that one record can cause.
constexpr std::size_t kTermLimit = 255;
constexpr std::size_t kQuotedTermOctets = 64;  // of a term in an error message

Fault syntax_error(std::string_view what, std::string_view term) {
  std::string detail(what);
  detail += ": ";
  detail += printable(term, kQuotedTermOctets);
  return {SpfReason::syntax_error, std::move(detail)};
}

struct Qualified {
  SpfResult qualifier;
  std::string_view rest;
};

Qualified split_qualifier(std::string_view term) {
  switch (term.front()) {  // RFC 7208 section 4.6.2
    case '+':
      return {SpfResult::pass, term.substr(1)};
    case '-':
      return {SpfResult::fail, term.substr(1)};
    case '~':
      return {SpfResult::softfail, term.substr(1)};
    case '?':
      return {SpfResult::neutral, term.substr(1)};
    default:
      return {SpfResult::pass, term};
  }
}

std::optional<Mechanism> find_mechanism(std::string_view name) {
  constexpr struct {
    std::string_view name;
    Mechanism mechanism;
  } kMechanisms[] = {
      {"all", Mechanism::all}, {"include", Mechanism::include}, {"a", Mechanism::a},
      {"mx", Mechanism::mx},   {"ptr", Mechanism::ptr},         {"ip4", Mechanism::ip4},
      {"ip6", Mechanism::ip6}, {"exists", Mechanism::exists},
  };
  for (const auto& known : kMechanisms)
    if (equals_ignoring_case(name, known.name)) return known.mechanism;
  return std::nullopt;
}

/// RFC 7208 section 12: no leading zeros, and no more than the family has bits.
std::optional<unsigned> parse_prefix(std::string_view digits, unsigned limit) {
  if (digits.empty() || digits.size() > 3) return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
  unsigned value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value <= limit ? std::optional(value) : std::nullopt;
}

/// Cuts `slashes` and the number behind them off the end of `text`. False: there, but wrong.
bool cut_prefix(std::string_view& text, std::string_view slashes, unsigned& prefix,
                unsigned limit) {
  const std::size_t last = text.find_last_not_of("0123456789");
  if (last == std::string_view::npos || last + 1 == text.size()) return true;
  const std::string_view before = text.substr(0, last + 1);
  if (!before.ends_with(slashes)) return true;
  const auto value = parse_prefix(text.substr(last + 1), limit);
  if (!value) return false;
  prefix = *value;
  text = before.substr(0, before.size() - slashes.size());
  return true;
}

/// RFC 7208 section 5.6: `network` [ "/" prefix ], of one family.
bool parse_network(std::string_view text, Term& term) {
  const bool v4 = term.mechanism == Mechanism::ip4;
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  if (slash != std::string_view::npos) {
    const auto prefix = parse_prefix(text.substr(slash + 1), v4 ? 32 : 128);
    if (!prefix) return false;
    (v4 ? term.prefix4 : term.prefix6) = *prefix;
  }
  if ((address.find(':') == std::string_view::npos) != v4) return false;
  const auto parsed = IpAddress::parse(address);
  if (!parsed) return false;
  std::size_t at = 0;
  if (!v4 && parsed->is_v4()) {
    // RFC 7208 section 5: a mapped client is an IPv4 client, so a mapped network stays what it is
    // written as: 16 octets that no IPv4 client matches.
    term.network[10] = term.network[11] = 0xff;
    at = 12;
  }
  const auto octets = parsed->octets();
  std::copy(octets.begin(), octets.end(), term.network.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

/// What may follow a mechanism's name. False: a syntax error.
bool parse_arguments(std::string_view rest, Term& term) {
  switch (term.mechanism) {
    case Mechanism::all:
      return rest.empty();
    case Mechanism::ip4:
    case Mechanism::ip6:
      return rest.starts_with(':') && parse_network(rest.substr(1), term);
    case Mechanism::a:
    case Mechanism::mx:
      // RFC 7208 section 12: dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ].
      if (!cut_prefix(rest, "//", term.prefix6, 128)) return false;
      if (!cut_prefix(rest, "/", term.prefix4, 32)) return false;
      break;
    case Mechanism::ptr:
      break;
    case Mechanism::include:
    case Mechanism::exists:
      if (rest.empty()) return false;
      break;
  }
  if (rest.empty()) return true;
  if (!rest.starts_with(':')) return false;
  term.domain_spec = parse_domain_spec(rest.substr(1));
  return term.domain_spec.has_value();
}

std::optional<Fault> add_directive(std::string_view text, Record& record) {
  const Qualified qualified = split_qualifier(text);
  const std::size_t name_end = std::min(qualified.rest.find_first_of(":/"), qualified.rest.size());
  const auto mechanism = find_mechanism(qualified.rest.substr(0, name_end));
  if (!mechanism) return syntax_error("unknown mechanism", text);
  Term term;
  term.text = text;
  term.qualifier = qualified.qualifier;
  term.mechanism = *mechanism;
  if (!parse_arguments(qualified.rest.substr(name_end), term))
    return syntax_error("invalid term", text);
  record.terms.push_back(std::move(term));
  return std::nullopt;
}

bool is_modifier_name(std::string_view name) {
  return !name.empty() && is_alpha(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::optional<Fault> add_modifier(std::string_view text, std::size_t equals, Record& record) {
  const std::string_view name = text.substr(0, equals);
  const std::string_view value = text.substr(equals + 1);
  if (!is_modifier_name(name)) return syntax_error("invalid modifier name", text);
  const bool redirect = equals_ignoring_case(name, "redirect");
  if (!redirect && !equals_ignoring_case(name, "exp")) {
    // RFC 7208 section 6: unknown modifiers are ignored, but they have a syntax.
    if (!parse_modifier_value(value)) return syntax_error("invalid modifier", text);
    return std::nullopt;
  }
  auto& modifier = redirect ? record.redirect : record.explanation;
  // RFC 7208 section 6: redirect and exp must not appear more than once each.
  if (modifier) return syntax_error("modifier given twice", text);
  auto domain_spec = parse_domain_spec(value);
  if (!domain_spec) return syntax_error("invalid modifier", text);
  modifier = Modifier{std::string(text), std::move(*domain_spec)};
  return std::nullopt;
}

bool in_block(std::span<const std::uint8_t> address, std::span<const std::uint8_t> network,
              unsigned prefix) {
  const std::size_t whole = prefix / 8;
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole),
                  network.begin()))
    return false;
  const unsigned bits = prefix % 8;
  if (bits == 0) return true;
  return ((address[whole] ^ network[whole]) >> (8 - bits)) == 0;
}

}  // namespace

bool Term::costs_lookup() const {
  switch (mechanism) {
    case Mechanism::include:
    case Mechanism::a:
    case Mechanism::mx:
    case Mechanism::ptr:
    case Mechanism::exists:
      return true;
    case Mechanism::all:
    case Mechanism::ip4:
    case Mechanism::ip6:
      return false;
  }
  return false;
}

bool Term::matches(const IpAddress& client) const {
  if (mechanism == Mechanism::all) return true;
  if (costs_lookup() || client.is_v4() != (mechanism == Mechanism::ip4)) return false;
  return in_block(client.octets(), network, prefix(client));
}

bool is_spf_record(std::string_view published) {
  const std::string_view text = without_trailing_blanks(published);
  if (!starts_with_ignoring_case(text, kVersion)) return false;
  return text.size() == kVersion.size() || text[kVersion.size()] == ' ';
}

Result<Record, Fault> parse_record(std::string_view published) {
  // RFC 7208 section 4.5: record = version terms *SP. A tab or a line end at the very end separates
  // nothing, so it cannot hide a term as one between two terms could.
  std::string_view text = without_trailing_blanks(published);
  if (text.size() > kRecordOctets) return Fault(SpfReason::record_too_long);
  // RFC 7208 section 3.1: records are ASCII; section 12 has no place for control characters.
  if (!std::all_of(text.begin(), text.end(), is_printable))
    return syntax_error("octet outside printable ASCII", text);

  Record record;
  std::size_t count = 0;
  text.remove_prefix(kVersion.size());
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return record;
    const std::string_view term = text.substr(0, text.find(' '));
    text.remove_prefix(term.size());
    if (++count > kTermLimit) return Fault(SpfReason::too_many_terms);
    if (term.size() > kTermOctets) return Fault(SpfReason::term_too_long);
    // RFC 7208 section 4.6.1: a modifier has "=" right after its name, before any ":" or "/".
    const std::size_t mark = term.find_first_of(":/=");
    const auto error = mark != std::string_view::npos && term[mark] == '='
                           ? add_modifier(term, mark, record)
                           : add_directive(term, record);
    if (error) return *error;
  }
}

}  // namespace authmilter::spf
