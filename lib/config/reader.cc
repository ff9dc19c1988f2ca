#include "config/reader.h"

#include <algorithm>

#include "config/formats.h"

namespace authmilter {

void Reader::refuse(Place place, const std::string& message) {
  if (error_ && first_ <= place) return;
  first_ = place;
  error_ = Error{fmt::format("{}: {}", where(place), message)};
}

void Reader::refuse(const Value& value, const std::string& message) {
  refuse(value.place, fmt::format("{}: {}", value.path, message));
}

bool Reader::expect(const Value& value, ValueKind kind) {
  if (value.kind == kind) return true;
  refuse(value, fmt::format("must be {}, not {}", to_string(kind), to_string(value.kind)));
  return false;
}

bool Reader::expect_either(const Value& value, ValueKind kind, ValueKind other) {
  if (value.kind == kind || value.kind == other) return true;
  refuse(value, fmt::format("must be {} or {}, not {}", to_string(kind), to_string(other),
                            to_string(value.kind)));
  return false;
}

std::optional<std::string> Reader::string(const Value& value) {
  if (!expect(value, ValueKind::string)) return std::nullopt;
  return value.string;
}

std::optional<bool> Reader::boolean(const Value& value) {
  if (!expect(value, ValueKind::boolean)) return std::nullopt;
  return value.boolean;
}

std::optional<unsigned> Reader::number(const Value& value, unsigned least, unsigned most) {
  if (!expect(value, ValueKind::integer)) return std::nullopt;
  if (value.integer < std::int64_t{least} || value.integer > std::int64_t{most}) {
    refuse(value, fmt::format("{} is outside {} to {}", value.integer, least, most));
    return std::nullopt;
  }
  return static_cast<unsigned>(value.integer);
}

std::optional<std::chrono::milliseconds> Reader::duration(const Value& value,
                                                          std::chrono::milliseconds least,
                                                          std::chrono::milliseconds most) {
  const auto duration = parsed(value, parse_duration);
  if (duration && (*duration < least || *duration > most)) {
    refuse(value, fmt::format("\"{}\" is outside {} to {}", value.string, print_duration(least),
                              print_duration(most)));
    return std::nullopt;
  }
  return duration;
}

std::span<const Value> Reader::tables(const Value& value) {
  const bool tables = value.kind == ValueKind::list &&
                      std::all_of(value.children.begin(), value.children.end(),
                                  [](const Value& v) { return v.kind == ValueKind::table; });
  if (tables) return value.children;
  refuse(value, fmt::format("must be a list of tables, write [[{}]]", value.path));
  return {};
}

}  // namespace authmilter
