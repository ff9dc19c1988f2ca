#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>

#include <nlohmann/json.hpp>

#include <authmilter/daemon_status.h>

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

template <class Object, class Value>
struct Member {
  const char* name;
  Value Object::*place;
};
template <class Object, class Value>
constexpr Member<Object, Value> member(const char* name, Value Object::*place) {
  return {name, place};
}

template <class Object>
constexpr auto kMembers = nullptr;
template <>
constexpr auto kMembers<Process::Reloads> = std::tuple(member("good", &Process::Reloads::good),
                                                       member("bad", &Process::Reloads::bad));
template <>
constexpr auto kMembers<Process> =
    std::tuple(member("socket", &Process::socket), member("mode", &Process::mode),
               member("last_reload_successful", &Process::last_reload_good),
               member("configured", &Process::configured), member("reloads", &Process::reloads),
               member("dns_validating", &Process::validating),
               member("open_descriptors", &Process::open_descriptors),
               member("descriptor_limit", &Process::descriptor_limit));
template <>
constexpr auto kMembers<Connections> = std::tuple(member("total", &Connections::total),
                                                  member("open", &Connections::open),
                                                  member("messages_in_hand",
                                                         &Connections::messages_in_hand));
template <>
constexpr auto kMembers<Dns> = std::tuple(
    member("questions", &Dns::questions), member("queries", &Dns::queries),
    member("median_seconds", &Dns::median), member("percentile95_seconds", &Dns::percentile95),
    member("failures", &Dns::failures), member("recent_queries", &Dns::recent_queries),
    member("recent_failures", &Dns::recent_failures), member("trouble", &Dns::trouble));
template <>
constexpr auto kMembers<Signing> = std::tuple(member("signed", &Signing::messages),
                                              member("signatures", &Signing::signatures),
                                              member("unsigned", &Signing::unsigned_messages),
                                              member("failures", &Signing::failures));
template <>
constexpr auto kMembers<Key> = std::tuple(member("domain", &Key::domain),
                                          member("selector", &Key::selector),
                                          member("written", &Key::written),
                                          member("age_days", &Key::age_days));
template <>
constexpr auto kMembers<DaemonStatus> = std::tuple(
    member("version", &DaemonStatus::version), member("started", &DaemonStatus::started),
    member("processes", &DaemonStatus::processes),
    member("connections", &DaemonStatus::connections), member("messages", &DaemonStatus::messages),
    member("policy", &DaemonStatus::policy), member("rules", &DaemonStatus::rules),
    member("aborted_messages", &DaemonStatus::aborted_messages),
    member("tls_refusals", &DaemonStatus::tls_refusals),
    member("internal_errors", &DaemonStatus::internal_errors), member("spf", &DaemonStatus::spf),
    member("dkim", &DaemonStatus::dkim), member("dmarc", &DaemonStatus::dmarc),
    member("dns", &DaemonStatus::dns), member("signing", &DaemonStatus::signing),
    member("keys", &DaemonStatus::keys), member("limits", &DaemonStatus::limits),
    member("warnings", &DaemonStatus::warnings));

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
/// the order of its members costs time by the square of their number. The library has a callback
/// for this too, with which it takes such a time for lists of objects.
class Bounds {
 public:
  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(std::int64_t) { return true; }
  bool number_unsigned(std::uint64_t) { return true; }
  bool number_float(double, const std::string&) { return true; }
  bool string(std::string&) { return true; }
  bool binary(Json::binary_t&) { return true; }
  bool key(std::string&) { return ++members_[level_] <= kMost; }
  bool start_array(std::size_t) { return deeper(); }
  bool end_array() { return higher(); }
  bool start_object(std::size_t) { return deeper(); }
  bool end_object() { return higher(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) { return false; }

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
