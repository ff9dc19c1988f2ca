#include "output/json.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace authmilter::tools {

using nlohmann::ordered_json;

Json::Json() : value_(std::make_unique<ordered_json>()) {}
Json::Json(const char* text) : value_(std::make_unique<ordered_json>(text)) {}
Json::Json(std::string_view text) : value_(std::make_unique<ordered_json>(text)) {}
Json::Json(const std::vector<std::string>& texts) : value_(std::make_unique<ordered_json>(texts)) {}
Json::Json(Truth truth) : value_(std::make_unique<ordered_json>(truth.value)) {}
Json::Json(Number number) : value_(std::make_unique<ordered_json>(number.value)) {}

Json::Json(const std::vector<Json>& items)
    : value_(std::make_unique<ordered_json>(ordered_json::array())) {
  for (const Json& item : items) value_->push_back(*item.value_);
}

Json::Json(std::initializer_list<Member> members)
    : value_(std::make_unique<ordered_json>(ordered_json::object())) {
  for (const Member& member : members) add(member.name, member.value);
}

Json::Json(const Json& other) : value_(std::make_unique<ordered_json>(*other.value_)) {}
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) {
  *this = Json(other);
  return *this;
}
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;

void Json::add(const char* name, const Json& value) { (*value_)[name] = *value.value_; }

std::string Json::text() const {
  return value_->dump(2, ' ', /*ensure_ascii=*/true, ordered_json::error_handler_t::replace);
}

}  // namespace authmilter::tools
