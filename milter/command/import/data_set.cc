#include "import/data_set.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "import/text.h"

namespace authmilter::importer {
namespace {

constexpr std::string_view kOtherKinds[] = {"db",       "dsn", "ldap",   "ldapi",  "ldaps", "lua",
                                            "memcache", "mdb", "erlang", "socket", "repute"};

struct Description {
  DataSetKind kind;
  std::string_view type;
  std::string_view rest;
};

Description without_type(std::string_view value) {
  if (value.ends_with(".db")) return {DataSetKind::other, "db", value};
  return {value.starts_with('/') ? DataSetKind::file : DataSetKind::list, "", value};
}

/// opendkim(8), DATA SETS. A colon behind a comma belongs to a list, such as one with IPv6
/// addresses.
Result<Description> describe(std::string_view value) {
  const std::size_t colon = value.find(':');
  if (colon == std::string_view::npos || value.find(',') < colon) return without_type(value);
  const std::string_view type = value.substr(0, colon);
  const std::string_view rest = value.substr(colon + 1);
  if (same_word(type, "csl")) return Description{DataSetKind::list, type, rest};
  if (same_word(type, "file")) return Description{DataSetKind::file, type, rest};
  if (same_word(type, "refile")) return Description{DataSetKind::patterns, type, rest};
  const bool known = std::any_of(std::begin(kOtherKinds), std::end(kOtherKinds),
                                 [&](std::string_view other) { return same_word(type, other); });
  if (known) return Description{DataSetKind::other, type, rest};
  return Error{fmt::format("\"{}\" is not a kind of data set", type)};
}

std::vector<DataSetEntry> list_entries(std::string_view text, const Place& place) {
  std::vector<DataSetEntry> entries;
  for (const std::string& piece : pieces(text, ',')) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string::npos) {
      entries.push_back({piece, "", place});
    } else {
      entries.push_back({std::string(trim(piece.substr(0, equals))),
                         std::string(trim(piece.substr(equals + 1))), place});
    }
  }
  return entries;
}

std::vector<DataSetEntry> file_entries(std::string_view text, const std::string& path) {
  std::vector<DataSetEntry> entries;
  Place place{path, 0};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    ++place.line;
    const std::string_view line = text.substr(at, end - at);
    const auto [key, value] = first_word(line.substr(0, line.find('#')));
    if (!key.empty()) entries.push_back({std::string(key), std::string(value), place});
    at = end + 1;
  }
  return entries;
}

}  // namespace

Result<DataSet> read_data_set(const Setting& setting, const std::string& directory,
                              const ReadFile& read_file) {
  const auto described = describe(setting.value);
  if (!described)
    return Error{
        fmt::format("{}: {}: {}", setting.place.text(), setting.name, described.error().message)};
  DataSet set{described->kind, lower(described->type), {}};
  if (set.kind == DataSetKind::other) return set;
  if (set.kind == DataSetKind::list) {
    set.entries = list_entries(described->rest, setting.place);
    return set;
  }
  const std::string path = below(directory, std::string(trim(described->rest)));
  const auto text = read_file(path);
  if (!text)
    return Error{
        fmt::format("{}: {}: {}", setting.place.text(), setting.name, text.error().message)};
  set.entries = file_entries(*text, path);
  return set;
}

std::string below(const std::string& directory, const std::string& path) {
  if (path.starts_with('/') || directory.empty()) return path;
  std::string_view rest = path;
  while (rest.starts_with("./")) rest.remove_prefix(2);
  return directory + (directory.ends_with('/') ? "" : "/") + std::string(rest);
}

}  // namespace authmilter::importer
