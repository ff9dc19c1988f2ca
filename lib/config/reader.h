#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <authmilter/config_place.h>
#include <authmilter/result.h>

#include "base/ascii.h"
#include "config/document.h"

namespace authmilter {

/// A word of the configuration and what it means.
template <class Enum>
struct Choice {
  std::string_view word;
  Enum value;
};

/// Turns the values of one document into checked types. Of all mistakes it keeps the one that
/// stands first in the file; a value that is refused reads as nothing.
class Reader {
 public:
  /// `name` stands for the file in messages.
  explicit Reader(std::string name) : name_(std::make_shared<const std::string>(std::move(name))) {}

  /// `message` is one printable line.
  void refuse(Place place, const std::string& message);
  /// A mistake in the value: "path: message".
  void refuse(const Value& value, const std::string& message);
  const std::optional<Error>& error() const { return error_; }
  /// "name:line:column".
  std::string where(Place place) const { return this->place(place).text(); }
  ConfigPlace place(Place place) const { return {name_, place.line, place.column}; }

  std::optional<std::string> string(const Value& value);
  std::optional<bool> boolean(const Value& value);
  std::optional<unsigned> number(const Value& value, unsigned least, unsigned most);
  std::optional<std::chrono::milliseconds> duration(const Value& value,
                                                    std::chrono::milliseconds least,
                                                    std::chrono::milliseconds most);

  /// A string read by one of the functions of formats.h.
  template <class T>
  std::optional<T> parsed(const Value& value, Result<T> (*parse)(std::string_view)) {
    const auto text = string(value);
    if (!text) return std::nullopt;
    Result<T> result = parse(*text);
    if (result) return std::move(*result);
    refuse(value, result.error().message);
    return std::nullopt;
  }

  /// What two equal members have in common and others have not.
  template <class T>
  static auto key_of(const T& member) {
    if constexpr (std::totally_ordered<T>)
      return member;
    else
      return member.text();
  }

  /// A list of such strings, without repetitions.
  template <class T>
  std::optional<std::vector<T>> list(const Value& value, Result<T> (*parse)(std::string_view)) {
    if (!expect(value, ValueKind::list)) return std::nullopt;
    std::vector<T> members;
    std::set<decltype(key_of(std::declval<const T&>()))> seen;  // lists of networks may be long
    for (const Value& child : value.children) {
      auto member = parsed(child, parse);
      if (!member) continue;
      if (!seen.insert(key_of(*member)).second)
        refuse(child, fmt::format("\"{}\" is in the list already", printable(child.string)));
      members.push_back(std::move(*member));
    }
    return members;
  }

  /// One such string, or a list of one at least.
  template <class T>
  std::optional<std::vector<T>> one_or_more(const Value& value,
                                            Result<T> (*parse)(std::string_view)) {
    if (value.kind != ValueKind::list) {
      if (!expect_either(value, ValueKind::string, ValueKind::list)) return std::nullopt;
      auto member = parsed(value, parse);
      if (!member) return std::nullopt;
      return std::vector<T>{std::move(*member)};
    }
    if (value.children.empty()) {
      refuse(value, "must not be empty");
      return std::nullopt;
    }
    return list(value, parse);
  }

  template <class Enum>
  std::optional<Enum> choice(const Value& value, std::span<const Choice<Enum>> choices) {
    const auto text = string(value);
    if (!text) return std::nullopt;
    std::string words;
    for (const auto& choice : choices) {
      if (choice.word == *text) return choice.value;
      words += fmt::format("{}\"{}\"", words.empty() ? "" : ", ", choice.word);
    }
    refuse(value, fmt::format("\"{}\" is none of {}", printable(*text), words));
    return std::nullopt;
  }

  /// The tables of `[[name]]`.
  std::span<const Value> tables(const Value& value);

  bool expect(const Value& value, ValueKind kind);

 private:
  bool expect_either(const Value& value, ValueKind kind, ValueKind other);

  std::shared_ptr<const std::string> name_;
  Place first_;
  std::optional<Error> error_;
};

}  // namespace authmilter
