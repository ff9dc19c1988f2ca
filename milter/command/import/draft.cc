#include "import/draft.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "import/text.h"

namespace authmilter::importer {
namespace {

/// As in the manual page.
constexpr std::string_view kOrder[] = {"milter", "identity", "network", "dns",
                                       "verify", "policy",   "signing", "log"};
constexpr std::size_t kCommentWidth = 98;

auto rank(std::string_view name) {
  return std::find(std::begin(kOrder), std::end(kOrder), name) - std::begin(kOrder);
}

/// Lines of "# ...", broken at blanks; no octet of it can end the comment or be no UTF-8.
std::string comment(std::string_view text) {
  std::string out;
  std::string line = "#";
  while (!text.empty()) {
    const auto [word, rest] = first_word(text);
    if (line.size() > 1 && line.size() + 1 + word.size() > kCommentWidth) {
      out += line + "\n";
      line = "#";
    }
    line += ' ';
    for (const char c : word) line += c < ' ' || c > '~' ? '?' : c;
    text = rest;
  }
  return out + line + "\n";
}

}  // namespace

Draft::Section& Draft::section(std::string_view name) {
  const auto at = std::find_if(sections_.begin(), sections_.end(),
                               [&](const Section& one) { return rank(one.name) >= rank(name); });
  if (at != sections_.end() && at->name == name) return *at;
  return *sections_.insert(at, Section{std::string(name), {}, {}});
}

void Draft::set(std::string_view section_name, std::string_view key, std::string value,
                std::string origin) {
  auto& keys = section(section_name).keys;
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const Key& one) { return one.name == key; });
  Key made{std::string(key), std::move(value), std::move(origin)};
  if (found == keys.end()) {
    keys.push_back(std::move(made));
  } else {
    *found = std::move(made);
  }
}

std::string_view Draft::value(std::string_view section_name, std::string_view key) const {
  for (const Section& one : sections_) {
    if (one.name != section_name) continue;
    for (const Key& known : one.keys) {
      if (known.name == key) return known.value;
    }
  }
  return "";
}

void Draft::add_table(std::string_view name, std::vector<Line> lines, std::string origin) {
  section(name.substr(0, name.find('.')))
      .tables.push_back({std::string(name), std::move(lines), std::move(origin)});
}

std::string Draft::text_of(const Table& table) {
  std::string out = comment(table.origin) + fmt::format("[[{}]]\n", table.name);
  for (const Line& line : table.lines) out += fmt::format("{} = {}\n", line.key, line.value);
  return out;
}

std::vector<Draft::Part> Draft::take_tables(std::string_view name, std::string_view key) {
  std::vector<Part> parts;
  for (Section& one : sections_) {
    for (const Table& table : one.tables) {
      if (table.name != name) continue;
      const auto named = std::find_if(table.lines.begin(), table.lines.end(),
                                      [&](const Line& line) { return line.key == key; });
      parts.push_back({named == table.lines.end() ? "" : named->value, text_of(table)});
    }
    std::erase_if(one.tables, [&](const Table& table) { return table.name == name; });
  }
  return parts;
}

std::string Draft::text(std::string_view title) const {
  std::string out = comment(title);
  for (const Section& one : sections_) {
    if (!one.keys.empty()) out += fmt::format("\n[{}]\n", one.name);
    for (const Key& key : one.keys)
      out += comment(key.origin) + fmt::format("{} = {}\n", key.name, key.value);
    for (const Table& table : one.tables) out += "\n" + text_of(table);
  }
  return out;
}

}  // namespace authmilter::importer
