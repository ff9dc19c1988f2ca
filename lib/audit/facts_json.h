#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <authmilter/crypto.h>
#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>
#include <authmilter/result.h>

#include "base/ascii.h"
#include "base/json_member.h"
#include "base/words.h"

namespace authmilter {

// An object keeps the order of its names, so that one value is one text.
using FactsJson = nlohmann::json;

/// The form of a value in a file of facts: write() makes it, and read() takes what it makes and
/// says of all else what is wrong with it.
template <class Value>
struct JsonForm;

inline Error not_of_form(std::string_view wanted) { return Error{"is not " + std::string(wanted)}; }

template <>
struct JsonForm<bool> {
  static FactsJson write(bool value) { return value; }
  static Result<bool> read(const FactsJson& json) {
    if (!json.is_boolean()) return not_of_form("true or false");
    return json.get<bool>();
  }
};

template <std::integral Number>
struct JsonForm<Number> {
  static FactsJson write(Number value) { return value; }
  static Result<Number> read(const FactsJson& json) {
    if (json.is_number_unsigned()) {
      const auto value = json.get<std::uint64_t>();
      if (std::in_range<Number>(value)) return static_cast<Number>(value);
    } else if (json.is_number_integer()) {
      const auto value = json.get<std::int64_t>();
      if (std::in_range<Number>(value)) return static_cast<Number>(value);
    }
    return not_of_form("a number in its range");
  }
};

/// Text as it is, and other octets as {"base64": "..."}.
template <>
struct JsonForm<std::string> {
  static FactsJson write(const std::string& value) {
    const bool plain = std::all_of(value.begin(), value.end(), is_printable);
    if (plain) return value;
    return {{"base64",
             base64_encode({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()})}};
  }
  static Result<std::string> read(const FactsJson& json) {
    if (json.is_string()) return json.get<std::string>();
    if (json.is_object() && json.size() == 1 && json.contains("base64") &&
        json["base64"].is_string()) {
      if (const auto octets = base64_decode(json["base64"].get_ref<const std::string&>()))
        return std::string(octets->begin(), octets->end());
    }
    return not_of_form("a text");
  }
};

template <>
struct JsonForm<DomainName> {
  static FactsJson write(const DomainName& value) { return value.text(); }
  static Result<DomainName> read(const FactsJson& json) {
    const auto name =
        json.is_string() ? DomainName::parse(json.get_ref<const std::string&>()) : std::nullopt;
    if (!name) return not_of_form("a domain name");
    return *name;
  }
};

template <>
struct JsonForm<IpAddress> {
  static FactsJson write(const IpAddress& value) { return value.text(); }
  static Result<IpAddress> read(const FactsJson& json) {
    const auto address =
        json.is_string() ? IpAddress::parse(json.get_ref<const std::string&>()) : std::nullopt;
    if (!address) return not_of_form("an address");
    return *address;
  }
};

template <class Value>
struct JsonForm<std::optional<Value>> {
  static FactsJson write(const std::optional<Value>& value) {
    return value ? JsonForm<Value>::write(*value) : FactsJson();
  }
  static Result<std::optional<Value>> read(const FactsJson& json) {
    if (json.is_null()) return std::optional<Value>();
    auto value = JsonForm<Value>::read(json);
    if (!value) return value.error();
    return std::optional<Value>(std::move(*value));
  }
};

template <class Value>
struct JsonForm<std::vector<Value>> {
  static FactsJson write(const std::vector<Value>& values) {
    FactsJson list = FactsJson::array();
    for (const Value& value : values) list.push_back(JsonForm<Value>::write(value));
    return list;
  }
  static Result<std::vector<Value>> read(const FactsJson& json) {
    if (!json.is_array()) return not_of_form("a list");
    std::vector<Value> values;
    for (const FactsJson& element : json) {
      auto value = JsonForm<Value>::read(element);
      if (!value) {
        return Error{"has an element " + std::to_string(values.size() + 1) + " that " +
                     value.error().message};
      }
      values.push_back(std::move(*value));
    }
    return values;
  }
};

/// The words of an enumeration, in the order of its values; specialized where they are.
template <class Enum>
constexpr auto kJsonWords = nullptr;

template <class Enum>
requires std::is_enum_v<Enum>
struct JsonForm<Enum> {
  static FactsJson write(Enum value) { return word_of(kJsonWords<Enum>, value); }
  static Result<Enum> read(const FactsJson& json) {
    for (const Word<Enum>& row : kJsonWords<Enum>) {
      if (json == row.word) return row.value;
    }
    return not_of_form("one of the words that it can be");
  }
};

/// The members of a structure, as a std::tuple of json_member(); specialized where they are.
template <class Object>
constexpr auto kJsonMembers = nullptr;

/// An object with all members that the structure has. Others are passed over: a later version may
/// write more.
template <class Object>
FactsJson write_members(const Object& object) {
  FactsJson json = FactsJson::object();
  const auto put = [&](const auto& member) {
    using Value = std::remove_cvref_t<decltype(object.*member.place)>;
    json[member.name] = JsonForm<Value>::write(object.*member.place);
  };
  std::apply([&](const auto&... member) { (put(member), ...); }, kJsonMembers<Object>);
  return json;
}

/// `object` with the members that `json` has.
template <class Object>
Result<Object> read_members(const FactsJson& json, Object object) {
  if (!json.is_object()) return not_of_form("an object");
  std::optional<Error> error;
  const auto take = [&](const auto& member) {
    using Value = std::remove_cvref_t<decltype(object.*member.place)>;
    const auto found = json.find(member.name);
    const auto wrong = [&](const std::string& why) {
      error = Error{"has a member \"" + std::string(member.name) + "\" that " + why};
      return false;
    };
    if (found == json.end()) return wrong("is missing");
    auto value = JsonForm<Value>::read(*found);
    if (!value) return wrong(value.error().message);
    object.*member.place = std::move(*value);
    return true;
  };
  std::apply([&](const auto&... member) { (void)(take(member) && ...); }, kJsonMembers<Object>);
  if (error) return *error;
  return object;
}

template <class Object>
requires requires { std::tuple_size<std::remove_cvref_t<decltype(kJsonMembers<Object>)>>::value; }
struct JsonForm<Object> {
  static FactsJson write(const Object& object) { return write_members(object); }
  static Result<Object> read(const FactsJson& json) { return read_members(json, Object()); }
};

}  // namespace authmilter
