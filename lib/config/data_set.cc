#include "config/data_set.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/file.h"

namespace authmilter {
namespace {

constexpr std::size_t kTableOctets = 64U << 20U;

struct Prefix {
  std::string_view text;
  DataSetName::Kind kind;
};
constexpr Prefix kPrefixes[] = {{"refile:", DataSetName::Kind::patterns},
                                {"file:", DataSetName::Kind::file},
                                {"csl:", DataSetName::Kind::list}};

/// What no editor shows would be part of a name, or cut it off.
Status check_octets(std::string_view text, const std::string& name) {
  if (text.starts_with("\xef\xbb\xbf"))
    return Error{name + ":1:1: begins with a byte order mark: save the file without one"};
  const auto is_control = [&](std::size_t at) {
    const char c = text[at];
    if (c == '\r') return at + 1 < text.size() && text[at + 1] != '\n';
    return c != '\t' && c != '\n' && (static_cast<unsigned char>(c) < ' ' || c == '\x7f');
  };
  std::size_t at = 0;
  while (at < text.size() && !is_control(at)) ++at;
  if (at == text.size()) return Done{};
  const std::string_view before = text.substr(0, at);
  const std::size_t line = before.rfind('\n') + 1;  // 0 in the first
  return Error{fmt::format("{}:{}:{}: a control character", name,
                           std::count(before.begin(), before.end(), '\n') + 1,
                           before.size() - line + 1)};
}

/// opendkim.conf(5): a name, blanks and a value on each line of a file.
Status each_line(std::string_view text, const UseOfEntry& use) {
  unsigned number = 0;
  while (!text.empty()) {
    const std::string_view raw = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(raw.size() + 1, text.size()));
    ++number;
    // A comment begins anywhere on a line.
    const std::string_view line = trim_fws(raw.substr(0, raw.find('#')));
    if (line.empty()) continue;
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const Status used = use({line.substr(0, end), trim_wsp(line.substr(end)), number,
                             static_cast<unsigned>(line.data() - raw.data()) + 1});
    if (!used) return used;
  }
  return Done{};
}

/// "name=value" in a list.
Status each_member(std::string_view list, const UseOfEntry& use) {
  for (const std::string_view piece : split(list, ',')) {
    const std::string_view entry = trim_wsp(piece);
    if (entry.empty()) continue;
    const std::size_t equals = std::min(entry.find('='), entry.size());
    const Status used = use({trim_wsp(entry.substr(0, equals)),
                             trim_wsp(entry.substr(std::min(equals + 1, entry.size()))), 1,
                             static_cast<unsigned>(entry.data() - list.data()) + 1});
    if (!used) return used;
  }
  return Done{};
}

}  // namespace

bool names_a_file(std::string_view text) {
  return text.starts_with('/') || text.starts_with("./") || text.starts_with("../");
}

Result<DataSetName> DataSetName::parse(std::string_view text) {
  DataSetName name;
  bool prefixed = false;
  for (const Prefix& prefix : kPrefixes) {
    if (!starts_with_ignoring_case(text, prefix.text)) continue;
    name.kind = prefix.kind;
    prefixed = true;
    text.remove_prefix(prefix.text.size());
    if (text.empty()) return Error{fmt::format("\"{}\" names no table", prefix.text)};
    break;
  }
  const std::size_t colon = text.find(':');
  // OpenDKIM takes what has no prefix and is not a path for a list.
  if (!prefixed && !names_a_file(text) && text.find('=') < std::min(colon, text.size()))
    name.kind = Kind::list;
  // "ldap:...", "db:...", "dsn:...": what stands before a colon would be taken for a file.
  if (name.kind == Kind::file && colon != std::string_view::npos && !text.starts_with('/')) {
    return Error{
        fmt::format("\"{}\" is not a table that is read: write \"file:PATH\", "
                    "\"refile:PATH\" or \"csl:NAME=VALUE,...\"",
                    printable(text))};
  }
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  if (control) return Error{fmt::format("\"{}\" is not the name of a file", printable(text))};
  name.rest = text;
  return name;
}

std::string DataSetName::text() const {
  if (empty()) return {};
  for (const Prefix& prefix : kPrefixes) {
    if (prefix.kind == kind) return std::string(prefix.text) + rest;
  }
  return rest;
}

Status each_entry_of(const DataSetName& name, const std::filesystem::path& path,
                     const UseOfEntry& use) {
  if (name.kind == DataSetName::Kind::list) return each_member(name.rest, use);
  const auto text = read_file(path, kTableOctets);
  if (!text) return Error{fmt::format("{}: cannot read: {}", path.string(), text.error().message)};
  if (auto checked = check_octets(*text, path.string()); !checked) return checked;
  return each_line(*text, use);
}

}  // namespace authmilter
