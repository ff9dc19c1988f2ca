#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>

#include <nlohmann/json.hpp>

#include <authmilter/daemon_status.h>

#include "base/json_events.h"
#include "base/json_member.h"

namespace authmilter {
namespace {

using Json = nlohmann::ordered_json;
using Process = DaemonStatus::Process;
using Connections = DaemonStatus::Connections;
using Dns = DaemonStatus::Dns;
using Signing = DaemonStatus::Signing;
using Key = DaemonStatus::Key;

/// The form of a value in JSON: write() makes it, and read() takes nothing but what it makes.
template <class Value>
struct Form;

// The members of each object, in their order.

template <class Object>
constexpr auto kMembers = nullptr;
template <>
constexpr auto kMembers<Process::Reloads> = std::tuple(json_member("good", &Process::Reloads::good),
                                                       json_member("bad", &Process::Reloads::bad));
template <>
constexpr auto kMembers<Process> = std::tuple(
    json_member("socket", &Process::socket), json_member("mode", &Process::mode),
    json_member("last_reload_successful", &Process::last_reload_good),
    json_member("configured", &Process::configured), json_member("reloads", &Process::reloads),
    json_member("dns_validating", &Process::validating),
    json_member("open_descriptors", &Process::open_descriptors),
    json_member("descriptor_limit", &Process::descriptor_limit));
template <>
constexpr auto kMembers<Connections> = std::tuple(json_member("total", &Connections::total),
                                                  json_member("open", &Connections::open),
                                                  json_member("messages_in_hand",
                                                              &Connections::messages_in_hand));
template <>
constexpr auto kMembers<Dns> = std::tuple(json_member("questions", &Dns::questions),
                                          json_member("queries", &Dns::queries),
                                          json_member("median_seconds", &Dns::median),
                                          json_member("percentile95_seconds", &Dns::percentile95),
                                          json_member("failures", &Dns::failures),
                                          json_member("recent_queries", &Dns::recent_queries),
                                          json_member("recent_failures", &Dns::recent_failures),
                                          json_member("trouble", &Dns::trouble));
template <>
constexpr auto kMembers<Signing> = std::tuple(json_member("signed", &Signing::messages),
                                              json_member("signatures", &Signing::signatures),
                                              json_member("unsigned", &Signing::unsigned_messages),
                                              json_member("failures", &Signing::failures));
template <>
constexpr auto kMembers<Key> = std::tuple(json_member("domain", &Key::domain),
                                          json_member("selector", &Key::selector),
                                          json_member("written", &Key::written),
                                          json_member("age_days", &Key::age_days));
template <>
constexpr auto kMembers<DaemonStatus> = std::tuple(
    json_member("version", &DaemonStatus::version), json_member("started", &DaemonStatus::started),
    json_member("processes", &DaemonStatus::processes),
    json_member("connections", &DaemonStatus::connections),
    json_member("messages", &DaemonStatus::messages), json_member("policy", &DaemonStatus::policy),
    json_member("rules", &DaemonStatus::rules),
    json_member("aborted_messages", &DaemonStatus::aborted_messages),
    json_member("tls_refusals", &DaemonStatus::tls_refusals),
    json_member("internal_errors", &DaemonStatus::internal_errors),
    json_member("spf", &DaemonStatus::spf), json_member("dkim", &DaemonStatus::dkim),
    json_member("dmarc", &DaemonStatus::dmarc), json_member("dns", &DaemonStatus::dns),
    json_member("signing", &DaemonStatus::signing), json_member("keys", &DaemonStatus::keys),
    json_member("limits", &DaemonStatus::limits), json_member("warnings", &DaemonStatus::warnings));

/// Its type, and where it has a range, what is within.
bool is(const Json& json, std::uint64_t) { return json.is_number_unsigned(); }
bool is(const Json& json, bool) { return json.is_boolean(); }
bool is(const Json& json, const std::string&) { return json.is_string(); }
bool is(const Json& json, std::int64_t) {
  if (json.is_number_unsigned()) return json.get<std::uint64_t>() <= kLatestTime;
  return json.is_number_integer() && json.get<std::int64_t>() >= -kLatestTime;
}
bool is(const Json& json, double) {
  return json.is_number() && json.get<double>() >= 0 && json.get<double>() <= kLongestLatency;
}

template <class Value>
requires requires(const Json& json, Value value) { is(json, value); }
struct Form<Value> {
  static Json write(const Value& value) { return value; }
  static std::optional<Value> read(const Json& json) {
    return is(json, Value()) ? std::optional(json.get<Value>()) : std::nullopt;
  }
};

template <>
struct Form<VerifyMode> {
  static Json write(VerifyMode mode) { return mode == VerifyMode::monitor ? "monitor" : "enforce"; }
  static std::optional<VerifyMode> read(const Json& json) {
    for (const VerifyMode mode : {VerifyMode::enforce, VerifyMode::monitor}) {
      if (json == write(mode)) return mode;
    }
    return std::nullopt;
  }
};

template <class Value>
struct Form<std::optional<Value>> {
  static Json write(const std::optional<Value>& value) {
    return value ? Form<Value>::write(*value) : Json();
  }
  static std::optional<std::optional<Value>> read(const Json& json) {
    if (json.is_null()) return std::optional<Value>();
    auto value = Form<Value>::read(json);
    if (!value) return std::nullopt;
    return value;
  }
};

template <class Value>
struct Form<std::vector<Value>> {
  static Json write(const std::vector<Value>& values) {
    Json list = Json::array();
    for (const Value& value : values) list.push_back(Form<Value>::write(value));
    return list;
  }
  static std::optional<std::vector<Value>> read(const Json& json) {
    if (!json.is_array()) return std::nullopt;
    std::vector<Value> values;
    for (const Json& element : json) {
      auto value = Form<Value>::read(element);
      if (!value) return std::nullopt;
      values.push_back(std::move(*value));
    }
    return values;
  }
};

template <>
struct Form<DaemonStatus::Counts> {
  static Json write(const DaemonStatus::Counts& counts) {
    Json object = Json::object();
    for (const auto& [word, count] : counts) object[word] = count;
    return object;
  }
  static std::optional<DaemonStatus::Counts> read(const Json& json) {
    if (!json.is_object()) return std::nullopt;
    DaemonStatus::Counts counts;
    for (const auto& [word, value] : json.items()) {
      const auto count = Form<std::uint64_t>::read(value);
      if (!count) return std::nullopt;
      counts.emplace_back(word, *count);
    }
    return counts;
  }
};

/// Any other is an object with members.
template <class Object>
struct Form {
  static Json write(const Object& object) {
    Json json = Json::object();
    std::apply(
        [&](const auto&... member) {
          ((json[member.name] = form_of(object.*member.place).write(object.*member.place)), ...);
        },
        kMembers<Object>);
    return json;
  }
  static std::optional<Object> read(const Json& json) {
    Object object;
    const auto take = [&](const auto& member) {
      const auto found = json.find(member.name);
      if (found == json.end()) return false;
      auto value = form_of(object.*member.place).read(*found);
      if (value) object.*member.place = std::move(*value);
      return value.has_value();
    };
    const bool whole =
        std::apply([&](const auto&... member) { return (take(member) && ...); }, kMembers<Object>);
    return whole ? std::optional(std::move(object)) : std::nullopt;
  }

 private:
  template <class Value>
  static Form<Value> form_of(const Value&) {
    return {};
  }
};

/// Stops at what no status has, before it costs much: depth costs memory, and an object that keeps
/// the order of its members costs time by the square of their number.
class Bounds : public JsonEvents<Json> {
 public:
  bool key(std::string&) { return ++members_[level_] <= kMost; }
  bool start_array(std::size_t) { return deeper(); }
  bool end_array() { return higher(); }
  bool start_object(std::size_t) { return deeper(); }
  bool end_object() { return higher(); }

 private:
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kLevels = 8;
  // The daemon has room for the names of 11,000 keys at most.
  static constexpr std::size_t kLists = 16'384;

  bool deeper() {
    if (level_ == kLevels || ++lists_ > kLists) return false;
    members_[++level_] = 0;
    return true;
  }
  bool higher() {
    --level_;
    return true;
  }

  std::size_t level_ = 0;
  std::size_t lists_ = 0;  // objects among them
  std::array<std::size_t, kLevels + 1> members_{};
};

Result<DaemonStatus> not_a_status() { return Error{"not authmilterd's status"}; }

}  // namespace

std::string write_status(const DaemonStatus& status) {
  return Form<DaemonStatus>::write(status).dump(2, ' ', /*ensure_ascii=*/true,
                                                Json::error_handler_t::replace) +
         '\n';
}

Result<DaemonStatus> read_status(std::string_view text) {
  Bounds bounds;
  if (!Json::sax_parse(text, &bounds)) return not_a_status();
  auto status = Form<DaemonStatus>::read(Json::parse(text, nullptr, /*allow_exceptions=*/false));
  return status ? std::move(*status) : not_a_status();
}

}  // namespace authmilter
