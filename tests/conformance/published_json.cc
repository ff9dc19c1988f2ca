#include "published_json.h"

#include <fstream>

#include <nlohmann/json.hpp>

namespace authmilter::published {

bool Value::is_null() const { return value_->is_null(); }
bool Value::is_text() const { return value_->is_string(); }
bool Value::is_list() const { return value_->is_array(); }
bool Value::is_object() const { return value_->is_object(); }

std::string Value::text() const { return value_->get<std::string>(); }
std::int64_t Value::number() const { return value_->get<std::int64_t>(); }
bool Value::truth() const { return value_->get<bool>(); }

std::vector<Value> Value::list() const {
  std::vector<Value> values;
  for (const auto& value : value_->get_ref<const nlohmann::json::array_t&>())
    values.emplace_back(value);
  return values;
}

std::vector<std::string> Value::texts() const {
  std::vector<std::string> texts;
  for (const Value& value : list()) texts.push_back(value.text());
  return texts;
}

std::vector<std::pair<std::string, Value>> Value::members() const {
  std::vector<std::pair<std::string, Value>> members;
  for (const auto& [name, value] : value_->get_ref<const nlohmann::json::object_t&>())
    members.emplace_back(name, Value(value));
  return members;
}

Value Value::at(const std::string& name) const { return Value(value_->at(name)); }

std::optional<Value> Value::find(const std::string& name) const {
  const auto found = value_->find(name);
  return found == value_->end() ? std::nullopt : std::optional(Value(*found));
}

std::string Value::text_or(const std::string& name, const std::string& otherwise) const {
  const auto found = find(name);
  return found ? found->text() : otherwise;
}

std::string Value::json() const { return value_->dump(); }

std::optional<File> File::read(const std::filesystem::path& path) {
  std::ifstream stream(path);
  if (!stream) return std::nullopt;
  return File(std::make_unique<const nlohmann::json>(nlohmann::json::parse(stream)));
}

File::File(std::unique_ptr<const nlohmann::json> json) : json_(std::move(json)) {}
File::File(File&& other) noexcept = default;
File::~File() = default;

}  // namespace authmilter::published
