#include "config/document.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/ascii.h"

// Without exceptions the parser returns its error; the printers are not used.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
// A mistake in the file must not end the process: the parser reports it without its assertions too.
// With NDEBUG some of them would become promises to the compiler, which a mistake breaks.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

namespace authmilter {
namespace {

Place place_of(const toml::source_region& source) {
  return {source.begin.line, source.begin.column};
}

ValueKind kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return ValueKind::string;
    case toml::node_type::integer:
      return ValueKind::integer;
    case toml::node_type::floating_point:
      return ValueKind::real;
    case toml::node_type::boolean:
      return ValueKind::boolean;
    case toml::node_type::array:
      return ValueKind::list;
    case toml::node_type::table:
    case toml::node_type::none:
      return ValueKind::table;
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return ValueKind::date;
  }
  return ValueKind::table;
}

/// Recursive: the parser refuses a nesting deeper than 256, and the administrator wrote the text.
Value convert(const toml::node& node, const std::string& path) {
  Value value;
  value.kind = kind_of(node);
  value.place = value.key_place = place_of(node.source());
  value.path = path;
  if (const auto* string = node.as_string()) value.string = string->get();
  if (const auto* integer = node.as_integer()) value.integer = integer->get();
  if (const auto* boolean = node.as_boolean()) value.boolean = boolean->get();
  if (const auto* list = node.as_array()) {
    for (const auto& member : *list) value.children.push_back(convert(member, path));
  }
  if (const auto* table = node.as_table()) {
    for (const auto& [key, member] : *table) {
      const std::string name(key.str());
      Value child = convert(member, path.empty() ? name : path + "." + name);
      child.key = name;
      child.key_place = place_of(key.source());
      value.children.push_back(std::move(child));
    }
    // The library keeps a table sorted by name.
    std::stable_sort(value.children.begin(), value.children.end(),
                     [](const Value& a, const Value& b) { return a.key_place < b.key_place; });
  }
  return value;
}

/// The first character outside ASCII that stands in neither a comment nor a string of one line.
/// TOML has no use for one there. It mostly is a typographic quote or blank from a web page, so the
/// message shall say what is wrong; the parser never sees it. With strings of several lines in the
/// text, which no key needs, a line does not tell what it is in: then every one counts.
std::optional<Place> find_stray_character(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  constexpr auto npos = std::string_view::npos;
  const bool any = text.find("\"\"\"") != npos || text.find("'''") != npos;
  Place place;
  char inside = '\0';  // '#', or the quote that will end the string
  bool escaped = false;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '\n') {
      ++place.line;
      place.column = 1;
      inside = '\0';
      escaped = false;
      continue;
    }
    if (octet >= 0x80 && (any || inside == '\0')) return place;
    if (inside == '\0') {
      if (c == '#' || c == '"' || c == '\'') inside = c;
    } else if (escaped) {
      escaped = false;
    } else if (c == '\\' && inside == '"') {
      escaped = true;
    } else if (c == inside && c != '#') {
      inside = '\0';
    }
    // The octets that continue a character have no column of their own.
    if ((octet & 0xc0U) != 0x80U) ++place.column;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(ValueKind kind) {
  switch (kind) {
    case ValueKind::string:
      return "a string";
    case ValueKind::integer:
      return "an integer";
    case ValueKind::real:
      return "a floating-point number";
    case ValueKind::boolean:
      return "a boolean";
    case ValueKind::date:
      return "a date or time";
    case ValueKind::list:
      return "a list";
    case ValueKind::table:
      return "a table";
  }
  return "";
}

const Value* Value::find(std::string_view name) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const Value& child) { return child.key == name; });
  return found == children.end() ? nullptr : &*found;
}

Result<Value> parse_document(std::string_view text, const std::string& name) {
  if (const auto stray = find_stray_character(text)) {
    return Error{
        fmt::format("{}:{}:{}: a character outside ASCII must stand in quotes, on one line", name,
                    stray->line, stray->column)};
  }
  const toml::parse_result parsed = toml::parse(text, std::string_view(name));
  if (parsed) return convert(parsed.table(), "");
  const Place place = place_of(parsed.error().source());
  std::string message(parsed.error().description());
  if (!message.empty()) message.front() = to_lower(message.front());
  // It quotes the text, escaped but for what is not ASCII and stands in a string.
  std::replace_if(
      message.begin(), message.end(), [](char c) { return !is_printable(c); }, '?');
  return Error{fmt::format("{}:{}:{}: {}", name, place.line, place.column, message)};
}

}  // namespace authmilter
