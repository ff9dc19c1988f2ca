#include <chrono>
#include <string>

#include "base/ascii.h"
#include "config/formats.h"
#include "config/options.h"

namespace authmilter {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// A selector with the date's parts left open; which of % there are, the rotation says.
Result<std::string> parse_selector_pattern(std::string_view text) {
  std::string sample;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      sample += text[i];
      continue;
    }
    const char kind = ++i < text.size() ? text[i] : '\0';
    if (std::string_view("Yymd").find(kind) == std::string_view::npos || kind == '\0')
      return Error{fmt::format("\"{}\": of % only %Y, %y, %m and %d are known", printable(text))};
    sample += kind == 'Y' ? "2026" : "11";
  }
  const auto selector = Selector::of_own_key(sample);
  if (!selector) return Error{selector.error().message};
  return std::string(text);
}

Result<std::string> parse_ring_name(std::string_view text) {
  const auto selector = Selector::of_own_key(text);
  if (!selector) return selector.error();
  return selector->text();
}

Result<std::string> parse_optional_domain(std::string_view text) {
  if (text.empty()) return std::string();
  const auto domain = parse_domain(text);
  if (!domain) return domain.error();
  return domain->text();
}

void read_ring(Reader& reader, const Value& value, Config& config) {
  auto ring = reader.list(value, parse_ring_name);
  if (!ring) return;
  // One signs, one makes way for it, one is made. What is wrong with a name has been said.
  const std::size_t names = value.children.size();
  if (names == 1 || names == 2)
    reader.refuse(value, "needs three names: one signs, one makes way, one comes next");
  config.rotation.ring = std::move(*ring);
}

void read_hook(Reader& reader, const Value& value, Config& config) {
  if (!reader.expect(value, ValueKind::list)) return;
  std::vector<std::string> hook;
  for (const Value& word : value.children) {
    auto text = reader.string(word);
    if (!text) return;
    if (text->find('\0') != std::string::npos) return reader.refuse(word, "holds a zero octet");
    hook.push_back(std::move(*text));
  }
  if (!hook.empty() && !hook.front().starts_with('/'))
    return reader.refuse(value, "must begin with the program's whole path");
  config.rotation.hook = std::move(hook);
}

/// A duration of [rotation] between two bounds.
template <auto Member, unsigned LeastHours, unsigned MostDays>
constexpr Option<Config> span_option(std::string_view key) {
  return {key,
          [](Reader& reader, const Value& value, Config& config) {
            assign(config.rotation.*Member,
                   reader.duration(value, milliseconds(std::chrono::hours(LeastHours)),
                                   milliseconds(std::chrono::hours(MostDays * 24))));
          },
          [](const Config& config) { return literal(print_duration(config.rotation.*Member)); }};
}

constexpr Option<Config> kRotation[] = {
    {"selector",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.rotation.selector, reader.parsed(value, parse_selector_pattern));
     },
     [](const Config& config) { return literal(config.rotation.selector); }},
    {"ring", read_ring, [](const Config& config) { return literal_list(config.rotation.ring); }},
    {"delegated_to",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.rotation.delegated_to, reader.parsed(value, parse_optional_domain));
     },
     [](const Config& config) { return literal(config.rotation.delegated_to); }},
    {"rsa_bits",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.rotation.rsa_bits, reader.number(value, 1024, 8192));
     },
     [](const Config& config) { return fmt::format("{}", config.rotation.rsa_bits); }},
    {"together",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.rotation.together, reader.boolean(value));
     },
     [](const Config& config) { return std::string(config.rotation.together ? "true" : "false"); }},
    span_option<&RotationConfig::overlap, 0, 60>("overlap"),
    // Postfix gives up after five days, others later.
    span_option<&RotationConfig::queue_time, 1, 60>("queue_time"),
    span_option<&RotationConfig::watch_limit, 1, 60>("watch_limit"),
    {"record_ttl",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.rotation.record_ttl, reader.duration(value, 60s, milliseconds(24h)));
     },
     [](const Config& config) { return literal(print_duration(config.rotation.record_ttl)); }},
    {"hook", read_hook, [](const Config& config) { return literal_list(config.rotation.hook); }},
    {"publish_retired",
     [](Reader& reader, const Value& value, Config& config) {
       assign(config.rotation.publish_retired, reader.parsed(value, parse_optional_path));
     },
     [](const Config& config) { return literal(config.rotation.publish_retired); }},
};

}  // namespace

Options<Config> rotation_options() { return kRotation; }

}  // namespace authmilter
