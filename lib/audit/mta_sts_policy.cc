#include "audit/mta_sts_policy.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <authmilter/domain_name.h>

#include "base/ascii.h"
#include "base/words.h"

namespace authmilter {
namespace {

// RFC 8461 section 3.2: at most 31557600 seconds, about one year, in at most ten digits.
constexpr std::uint32_t kMostAge = 31'557'600;
constexpr std::size_t kAgeDigits = 10;
// A policy has 64 kB at most; a domain has a handful of mail hosts.
constexpr std::size_t kMostPatterns = 100;

constexpr Word<MtaStsMode> kModes[] = {
    {MtaStsMode::enforce, "enforce"}, {MtaStsMode::testing, "testing"}, {MtaStsMode::none, "none"}};
static_assert(is_complete(kModes, MtaStsMode::none));

Error wrong(std::string_view what, std::string_view line) {
  return {std::string(what) + ": \"" + printable(line, 120) + "\""};
}

std::optional<MtaStsMode> parse_mode(std::string_view text) {
  for (const auto& row : kModes) {
    if (row.word == text) return row.value;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> parse_age(std::string_view text) {
  if (text.empty() || text.size() > kAgeDigits || !std::all_of(text.begin(), text.end(), is_digit))
    return std::nullopt;
  std::uint64_t age = 0;
  std::from_chars(text.data(), text.data() + text.size(), age);
  if (age > kMostAge) return std::nullopt;
  return static_cast<std::uint32_t>(age);
}

/// A domain name, or one behind "*.".
std::optional<std::string> parse_pattern(std::string_view text) {
  const bool wild = text.starts_with("*.");
  const auto name = DomainName::parse(wild ? text.substr(2) : text);
  if (!name || text.ends_with('.')) return std::nullopt;
  return (wild ? "*." : "") + name->text();
}

}  // namespace

std::string_view to_string(MtaStsMode mode) { return word_of(kModes, mode); }

bool MtaStsPolicy::has_mx(std::string_view host) const {
  const std::size_t dot = host.find('.');
  return std::any_of(mx.begin(), mx.end(), [&](std::string_view pattern) {
    if (equals_ignoring_case(pattern, host)) return true;
    return pattern.starts_with("*.") && dot != std::string_view::npos && dot > 0 &&
           equals_ignoring_case(pattern.substr(1), host.substr(dot));
  });
}

Result<MtaStsPolicy> parse_mta_sts_policy(std::string_view text) {
  MtaStsPolicy policy;
  bool has_version = false;
  bool has_mode = false;
  bool has_age = false;
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = trim_wsp(line);
    if (line.empty()) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return wrong("has a line without a colon", line);
    const std::string_view key = line.substr(0, colon);
    const std::string_view value = trim_wsp(line.substr(colon + 1));
    // RFC 8461 section 3.2: of a field that is repeated, but for mx, the first counts.
    if (key == "version") {
      if (!has_version && value != "STSv1") return wrong("has another version than STSv1", line);
      has_version = true;
    } else if (key == "mode" && !has_mode) {
      const auto mode = parse_mode(value);
      if (!mode) return wrong("has a mode that is not enforce, testing or none", line);
      policy.mode = *mode;
      has_mode = true;
    } else if (key == "max_age" && !has_age) {
      const auto age = parse_age(value);
      if (!age) return wrong("has a max_age that is not a number up to 31557600", line);
      policy.max_age = *age;
      has_age = true;
    } else if (key == "mx") {
      auto pattern = parse_pattern(value);
      if (!pattern) return wrong("has an mx that is not a host name", line);
      if (policy.mx.size() == kMostPatterns) return Error{"has more than 100 lines with mx"};
      policy.mx.push_back(std::move(*pattern));
    }
    // RFC 8461 section 3.2: other fields are for the future.
  }
  if (!has_version) return Error{"has no line \"version: STSv1\""};
  if (!has_mode) return Error{"has no line with a mode"};
  if (!has_age) return Error{"has no line with a max_age"};
  if (policy.mx.empty() && policy.mode != MtaStsMode::none) return Error{"has no line with an mx"};
  return policy;
}

}  // namespace authmilter
