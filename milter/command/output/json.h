#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace authmilter::tools {

/// A value for `--json`; an object's members keep their order. nlohmann/json is seen in json.cc
/// alone: it costs every source that makes its values ten seconds.
class Json {
 public:
  struct Member;

  /// null
  Json();
  Json(const char* text);
  Json(std::string_view text);
  Json(const std::string& text) : Json(std::string_view(text)) {}
  Json(const std::vector<std::string>& texts);
  Json(const std::vector<Json>& items);
  Json(std::initializer_list<Member> members);
  // Of nothing that only converts to a truth or a number.
  template <std::same_as<bool> Value>
  Json(Value truth) : Json(Truth{truth}) {}
  template <std::unsigned_integral Value>
  requires(!std::same_as<Value, bool>) Json(Value number) : Json(Number{number}) {}
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();

  /// To an object, behind its other members.
  void add(const char* name, const Json& value);

  /// Indented, since one line of JSON would be hard to read; octets that are not UTF-8 become
  /// U+FFFD.
  std::string text() const;

 private:
  struct Truth {
    bool value;
  };
  struct Number {
    std::uint64_t value;
  };
  explicit Json(Truth truth);
  explicit Json(Number number);

  std::unique_ptr<nlohmann::ordered_json> value_;
};

struct Json::Member {
  const char* name;
  Json value;
};

}  // namespace authmilter::tools
