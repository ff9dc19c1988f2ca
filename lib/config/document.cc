#include "config/document.h"

#include <algorithm>

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

/// Takes what `node` holds; of a list each member is released as soon as it is converted, so that
/// a large document is not in memory twice. Recursive: the parser refuses a nesting deeper than
/// 256, and the administrator wrote the text.
Value convert(toml::node& node, const std::string& path) {
  Value value;
  value.kind = kind_of(node);
  value.place = value.key_place = place_of(node.source());
  value.path = path;
  if (auto* string = node.as_string()) value.string = std::move(string->get());
  if (const auto* integer = node.as_integer()) value.integer = integer->get();
  if (const auto* boolean = node.as_boolean()) value.boolean = boolean->get();
  if (auto* list = node.as_array()) {
    value.children.reserve(list->size());
    for (; !list->empty(); list->pop_back())
      value.children.push_back(convert(*list->get(list->size() - 1), path));
    std::reverse(value.children.begin(), value.children.end());
  }
  if (auto* table = node.as_table()) {
    value.children.reserve(table->size());
    for (auto&& [key, member] : *table) {
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

constexpr bool is_ascii(char c) { return (static_cast<unsigned char>(c) & 0x80U) == 0; }
/// The first octet of a character in UTF-8: the others have no column of their own.
constexpr bool is_first(char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }

/// The text with a backquote for each character outside ASCII. TOML takes both in comments and in
/// strings only, so the parser's errors about this are those about the text; but the parser must
/// see no letter outside ASCII in another place, for it takes that to be impossible.
std::string ascii_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_first(c)) out += is_ascii(c) ? c : '`';
  }
  return out;
}

/// Whether there is a character outside ASCII at `place`.
bool is_stray(std::string_view text, Place place) {
  Place here;
  for (const char c : text) {
    if (is_first(c) && here == place) return !is_ascii(c);
    if (c == '\n') here = {here.line + 1, 0};
    if (is_first(c)) ++here.column;
  }
  return false;
}

Error error_at(Place place, const std::string& name, std::string message) {
  if (!message.empty()) message.front() = to_lower(message.front());
  // The parser quotes the text, escaped but for what is not ASCII and stands in a string.
  std::replace_if(
      message.begin(), message.end(), [](char c) { return !is_printable(c); }, '?');
  return Error{fmt::format("{}:{}:{}: {}", name, place.line, place.column, message)};
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
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (!std::all_of(text.begin(), text.end(), is_ascii)) {
    const toml::parse_result ascii = toml::parse(ascii_text(text), std::string_view(name));
    if (!ascii) {
      const Place place = place_of(ascii.error().source());
      // Mostly a typographic quote or blank from a web page.
      return is_stray(text, place)
                 ? error_at(place, name, "a character outside ASCII must stand in quotes")
                 : error_at(place, name, std::string(ascii.error().description()));
    }
  }
  toml::parse_result parsed = toml::parse(text, std::string_view(name));
  if (parsed) return convert(parsed.table(), "");
  return error_at(place_of(parsed.error().source()), name,
                  std::string(parsed.error().description()));
}

}  // namespace authmilter
