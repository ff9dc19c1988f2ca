#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

/// The JSON files of the published suites. nlohmann/json is seen in published_json.cc alone: each
/// suite that included it took half a minute to compile.
namespace authmilter::published {

/// One value of a file, which lives as long as its File. What is not of the kind that is asked for
/// is an exception, as is a member that is not there.
class Value {
 public:
  explicit Value(const nlohmann::json& value) : value_(&value) {}

  bool is_null() const;
  bool is_text() const;
  bool is_list() const;
  bool is_object() const;

  std::string text() const;
  std::int64_t number() const;
  bool truth() const;
  std::vector<Value> list() const;
  std::vector<std::string> texts() const;
  /// By name, in alphabetical order.
  std::vector<std::pair<std::string, Value>> members() const;
  Value at(const std::string& name) const;
  std::optional<Value> find(const std::string& name) const;
  std::string text_or(const std::string& name, const std::string& otherwise) const;
  /// As it is written.
  std::string json() const;

 private:
  const nlohmann::json* value_;
};

class File {
 public:
  /// Nothing when it is not there; an exception when it is not JSON.
  static std::optional<File> read(const std::filesystem::path& path);
  File(File&& other) noexcept;
  ~File();
  Value root() const { return Value(*json_); }

 private:
  explicit File(std::unique_ptr<const nlohmann::json> json);
  std::unique_ptr<const nlohmann::json> json_;
};

}  // namespace authmilter::published
