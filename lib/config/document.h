#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

namespace authmilter {

/// Where something stands in a configuration, both counted from 1.
struct Place {
  unsigned line = 1;
  unsigned column = 1;
  auto operator<=>(const Place&) const = default;
};

enum class ValueKind : std::uint8_t { string, integer, real, boolean, date, list, table };
/// With its article: "a string".
std::string_view to_string(ValueKind kind);

/// A value of a TOML document with the place it was written at. The rest of this directory works on
/// these, so that only one file compiles toml++.
struct Value {
  ValueKind kind = ValueKind::table;
  Place place;
  std::string key;              // empty for a list's members
  Place key_place;              // of a table's members; otherwise `place`
  std::string path;             // "dns.timeout", the list's own for its members
  std::string string;           // of a string
  std::int64_t integer = 0;     // of an integer
  bool boolean = false;         // of a boolean
  std::vector<Value> children;  // of a list or a table, in the order they were written

  /// A table's member; null when there is none.
  const Value* find(std::string_view name) const;
};

/// Reads a TOML document. Errors are "name:line:column: message".
Result<Value> parse_document(std::string_view text, const std::string& name);

}  // namespace authmilter
