#include <authmilter/rotation.h>
#include <authmilter/toml_literal.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "config/document.h"

namespace authmilter {
namespace {

using std::chrono::seconds;

constexpr std::string_view kLastLine = "# end of this file";
// Of an RSA key of 16384 bits there are 2820.
constexpr std::size_t kRecordOctets = 4096;

// More than any of them is by itself, and so little that sums of them have room.
constexpr std::int64_t kMostSeconds = 100LL * 366 * 86400;
constexpr std::int64_t kMostBits = 65536;
constexpr std::int64_t kMostServers = 1000;

/// A table's members as values of the state, each read once. The first mistake is kept.
class StateReader {
 public:
  StateReader(std::string name, const Value& table) : name_(std::move(name)), table_(table) {}

  void refuse(const Value& value, const std::string& why) {
    if (!error_) {
      error_ = Error{fmt::format("{}:{}:{}: {}: {}", name_, value.place.line, value.place.column,
                                 value.path, why)};
    }
  }
  const std::optional<Error>& error() const { return error_; }

  /// Nothing may stand in the table that was not asked for: it is a mistake in a name.
  void refuse_others() {
    for (const Value& value : table_.children) {
      if (error_ || asked_.count(value.key) != 0) continue;
      error_ = Error{fmt::format("{}:{}:{}: {}: is not known", name_, value.key_place.line,
                                 value.key_place.column, printable(value.path))};
    }
  }

  const Value* find(std::string_view key, ValueKind kind) {
    asked_.insert(std::string(key));
    const Value* value = table_.find(key);
    if (value == nullptr) return nullptr;
    if (value->kind == kind) return value;
    refuse(*value, fmt::format("must be {}", to_string(kind)));
    return nullptr;
  }
  const Value* need(std::string_view key, ValueKind kind) {
    const Value* value = find(key, kind);
    if (value == nullptr) refuse(table_, fmt::format("has no {}", key));
    return value;
  }

  std::string text(std::string_view key) {
    const Value* value = find(key, ValueKind::string);
    return value == nullptr ? std::string() : value->string;
  }
  std::int64_t number(std::string_view key, std::int64_t most) {
    const Value* value = find(key, ValueKind::integer);
    if (value == nullptr) return 0;
    if (value->integer < 0) refuse(*value, "must not be negative");
    if (value->integer > most) refuse(*value, fmt::format("must not be more than {}", most));
    return std::clamp<std::int64_t>(value->integer, 0, most);
  }
  seconds span(std::string_view key) { return seconds(number(key, kMostSeconds)); }
  bool truth(std::string_view key) {
    const Value* value = find(key, ValueKind::boolean);
    return value != nullptr && value->boolean;
  }
  std::int64_t time(std::string_view key) {
    const Value* value = find(key, ValueKind::string);
    if (value == nullptr) return 0;
    const auto parsed = parse_utc(value->string);
    if (!parsed) refuse(*value, "is not a time, write for example \"2026-11-28T12:00:00Z\"");
    return parsed.value_or(0);
  }
  /// What `parse` makes of a text that has to be there.
  template <class Parse>
  auto parsed(std::string_view key, Parse parse) -> decltype(parse(std::string_view())) {
    const Value* value = need(key, ValueKind::string);
    if (value == nullptr) return std::nullopt;
    auto result = parse(std::string_view(value->string));
    if (!result) refuse(*value, fmt::format("\"{}\" is not known", printable(value->string)));
    return result;
  }

 private:
  std::string name_;
  const Value& table_;
  std::set<std::string, std::less<>> asked_;
  std::optional<Error> error_;
};

std::optional<KeyType> parse_key_type(std::string_view word) {
  for (const KeyType type : {KeyType::rsa, KeyType::ed25519}) {
    if (to_string(type) == word) return type;
  }
  return std::nullopt;
}

/// What key_record_text() writes, and nothing else: the text goes into zone files and to nsupdate,
/// and whoever may write the state need not be who may change the DNS.
bool is_key_record(std::string_view text, KeyType type) {
  const std::string begin = fmt::format("v=DKIM1; k={}; p=", to_string(type));
  if (!text.starts_with(begin) || text.size() > kRecordOctets) return false;
  const auto key = text.substr(begin.size());
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' || c == '=';
  });
}

Result<KeyLife> read_key(const Value& table, const std::string& name) {
  StateReader reader(name, table);
  const auto selector = reader.parsed("selector", Selector::parse);
  const auto state = reader.parsed("state", parse_key_state);
  const auto type = reader.parsed("type", parse_key_type);
  if (reader.error()) return *reader.error();
  KeyLife key{.selector = *selector};
  key.state = *state;
  key.type = *type;
  key.since = reader.time("since");
  key.bits = static_cast<unsigned>(reader.number("bits", kMostBits));
  key.signs = reader.truth("signs");
  key.lost = reader.truth("lost");
  if (reader.find("published", ValueKind::string) != nullptr)
    key.published = reader.parsed("published", parse_publication).value_or(Publication::temperror);
  key.servers = static_cast<unsigned>(reader.number("servers", kMostServers));
  key.dnssec = reader.truth("dnssec");
  key.testing = reader.truth("testing");
  key.given_up = reader.truth("given_up");
  key.trouble = reader.text("trouble");
  key.stood = reader.span("stood_seconds");
  key.needed = reader.span("needed_seconds");
  if (reader.find("gone_seconds", ValueKind::integer) != nullptr)
    key.gone = reader.span("gone_seconds");
  key.overlapped = reader.span("overlapped_seconds");
  key.quiet = reader.span("quiet_seconds");
  if (const auto day = reader.time("last_used"); day != 0) key.last_used = day / 86400;
  key.file = reader.text("file");
  key.record = reader.text("record");
  if (const Value* record = table.find("record");
      record != nullptr && !is_key_record(key.record, key.type)) {
    reader.refuse(*record, fmt::format("is not the record of a DKIM key: \"v=DKIM1; k={}; p=...\"",
                                       to_string(key.type)));
  }
  key.place = reader.text("place");
  const auto place = DomainName::parse(key.place);
  if (const Value* value = table.find("place");
      value != nullptr && (!place || place->text() != key.place))
    reader.refuse(*value, "is not a domain name");
  reader.refuse_others();
  if (reader.error()) return *reader.error();
  return key;
}

bool ends_well(std::string_view text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  return end != std::string_view::npos && text.substr(0, end + 1).ends_with(kLastLine);
}

std::string_view truth(bool value) { return value ? "true" : "false"; }

std::string print_key(const KeyLife& key) {
  std::string text = "\n[[key]]\n";
  const auto line = [&](std::string_view name, std::string_view value) {
    text += fmt::format("{} = {}\n", name, value);
  };
  const auto span = [&](std::string_view name, seconds value) {
    if (value.count() != 0) line(name, fmt::format("{}", value.count()));
  };
  line("selector", literal(key.selector.text()));
  line("type", literal(to_string(key.type)));
  line("bits", fmt::format("{}", key.bits));
  line("state", literal(to_string(key.state)));
  line("since", literal(print_utc(key.since)));
  line("signs", truth(key.signs));
  if (key.lost) line("lost", "true");
  line("published", literal(to_string(key.published)));
  line("servers", fmt::format("{}", key.servers));
  line("dnssec", truth(key.dnssec));
  if (key.testing) line("testing", "true");
  if (key.given_up) line("given_up", "true");
  if (!key.trouble.empty()) line("trouble", literal(key.trouble));
  span("stood_seconds", key.stood);
  span("needed_seconds", key.needed);
  if (key.gone) line("gone_seconds", fmt::format("{}", key.gone->count()));
  span("overlapped_seconds", key.overlapped);
  span("quiet_seconds", key.quiet);
  if (key.last_used != 0) line("last_used", literal(print_utc(key.last_used * 86400)));
  if (!key.file.empty()) line("file", literal(key.file));
  if (!key.record.empty()) line("record", literal(key.record));
  if (!key.place.empty()) line("place", literal(key.place));
  return text;
}

}  // namespace

std::string print_state(const DomainKeys& keys) {
  std::string text = fmt::format(
      "# How far the keys of {0} are (authmilter(1), \"key\"). It may be edited while no\n"
      "# authmilter key runs; one that cannot be read authmilter key watch {0} makes anew.\n"
      "domain = {1}\n",
      keys.domain.text(), literal(keys.domain.text()));
  if (keys.looked.time != 0)
    text += fmt::format("looked = {}\n", literal(print_utc(keys.looked.time)));
  if (!keys.looked.boot.empty()) {
    text += fmt::format("boot = {}\nuptime_seconds = {}\n", literal(keys.looked.boot),
                        keys.looked.uptime);
  }
  for (const KeyLife& key : keys.keys) text += print_key(key);
  return text + fmt::format("\n{}\n", kLastLine);
}

Result<DomainKeys> parse_state(std::string_view text, const std::string& name) {
  if (!ends_well(text)) {
    return Error{fmt::format("{}: cut off: its last line is not \"{}\"", name, kLastLine)};
  }
  const auto document = parse_document(text, name);
  if (!document) return document.error();
  StateReader reader(name, *document);
  const auto domain =
      reader.parsed("domain", [](std::string_view one) { return DomainName::parse(one); });
  if (reader.error()) return *reader.error();
  DomainKeys keys{*domain, {}, {}};
  keys.looked.time = reader.time("looked");
  keys.looked.boot = reader.text("boot");
  keys.looked.uptime = reader.number("uptime_seconds", kMostSeconds);
  const Value* list = reader.find("key", ValueKind::list);
  reader.refuse_others();
  if (reader.error()) return *reader.error();
  if (list == nullptr) return keys;
  for (const Value& table : list->children) {
    auto key = read_key(table, name);
    if (!key) return key.error();
    if (keys.find(key->selector) != nullptr) {
      return Error{fmt::format("{}:{}:{}: \"{}\" has a key already", name, table.place.line,
                               table.place.column, key->selector.text())};
    }
    keys.keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace authmilter
