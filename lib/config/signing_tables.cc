#include <authmilter/signing_tables.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/file.h"

namespace authmilter {
namespace {

constexpr std::size_t kTableOctets = 64U << 20U;
/// In place of a key's name: the key that has the author's domain for a name.
constexpr std::string_view kAuthorsKey = "%";
constexpr char kWildcard = '*';

struct Prefix {
  std::string_view text;
  DataSetName::Kind kind;
};
constexpr Prefix kPrefixes[] = {{"refile:", DataSetName::Kind::patterns},
                                {"file:", DataSetName::Kind::file},
                                {"csl:", DataSetName::Kind::list}};

Error error_at(const ConfigPlace& place, const std::string& message) {
  return {place.text() + ": " + message};
}

bool has_wildcard(std::string_view text) { return text.find(kWildcard) != std::string_view::npos; }

/// '*' stands for any number of characters. Linear but for the stars, and never recursive.
bool matches(std::string_view text, std::string_view pattern) {
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == kWildcard) {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == kWildcard) ++p;
  return p == pattern.size();
}

bool names_a_file(std::string_view text) {
  return text.starts_with('/') || text.starts_with("./") || text.starts_with("../");
}

}  // namespace

Result<DataSetName> DataSetName::parse(std::string_view text) {
  DataSetName name;
  for (const Prefix& prefix : kPrefixes) {
    if (!text.starts_with(prefix.text)) continue;
    name.kind = prefix.kind;
    text.remove_prefix(prefix.text.size());
    if (text.empty()) return Error{fmt::format("\"{}\" names no table", prefix.text)};
    break;
  }
  const std::size_t colon = text.find(':');
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

std::string SigningTables::with_domain(std::string_view text, std::string_view domain) {
  std::string out;
  for (const char c : text) {
    if (c == '%')
      out += domain;
    else
      out += c;
  }
  return out;
}

/// opendkim.conf(5): a name, blanks and a value on each line of a file; "name=value" in a list.
Result<std::vector<SigningTables::Entry>> SigningTables::read(
    const DataSetName& name, const std::filesystem::path& directory) {
  std::vector<Entry> entries;
  if (name.kind == DataSetName::Kind::list) {
    const auto file = std::make_shared<const std::string>(name.text());
    for (const std::string_view piece : split(name.rest, ',')) {
      const std::string_view entry = trim_wsp(piece);
      if (entry.empty()) continue;
      const std::size_t equals = std::min(entry.find('='), entry.size());
      entries.push_back({std::string(trim_wsp(entry.substr(0, equals))),
                         std::string(trim_wsp(entry.substr(std::min(equals + 1, entry.size())))),
                         {file, 1, static_cast<unsigned>(entry.data() - name.rest.data()) + 1}});
    }
    return entries;
  }
  const auto path = (directory / name.rest).lexically_normal();
  const auto text = read_file(path, kTableOctets);
  if (!text) return Error{fmt::format("{}: cannot read: {}", path.string(), text.error().message)};
  const auto file = std::make_shared<const std::string>(path.string());
  unsigned number = 0;
  for (const std::string_view raw : split(*text, '\n')) {
    ++number;
    // A comment begins anywhere on a line.
    const std::string_view line = trim_fws(raw.substr(0, raw.find('#')));
    if (line.empty()) continue;
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    entries.push_back({std::string(line.substr(0, end)),
                       std::string(trim_wsp(line.substr(end))),
                       {file, number, static_cast<unsigned>(line.data() - raw.data()) + 1}});
  }
  return entries;
}

Result<std::shared_ptr<const SigningTables>> SigningTables::load(
    const SigningTableNames& names, const std::filesystem::path& directory) {
  auto tables = std::make_shared<SigningTables>();
  tables->names_ = names;
  const auto keys = read(names.keys, directory);
  if (!keys) return keys.error();
  tables->keys_.reserve(keys->size());
  for (const Entry& entry : *keys) {
    if (auto added = tables->add_key(entry, directory); !added) return added.error();
  }
  const auto lines = read(names.senders, directory);
  if (!lines) return lines.error();
  tables->lines_.reserve(lines->size());
  for (const Entry& entry : *lines) {
    if (auto added = tables->add_line(entry); !added) return added.error();
  }
  return std::shared_ptr<const SigningTables>(std::move(tables));
}

/// "domain:selector:file"; the file may hold colons.
Status SigningTables::add_key(const Entry& entry, const std::filesystem::path& directory) {
  const auto wrong = [&](const std::string& message) {
    return error_at(entry.place, fmt::format("key \"{}\": {}", printable(entry.name), message));
  };
  const std::string_view value = entry.value;
  const std::size_t first = value.find(':');
  const std::size_t second = first == std::string_view::npos ? first : value.find(':', first + 1);
  if (second == std::string_view::npos) return wrong("is not of the form DOMAIN:SELECTOR:FILE");
  TableKey key{std::string(trim_wsp(value.substr(0, first))),
               std::string(trim_wsp(value.substr(first + 1, second - first - 1))),
               std::string(trim_wsp(value.substr(second + 1))), entry.place};
  if (key.domain != "%") {
    const auto domain = DomainName::parse(key.domain);
    if (!domain) return wrong(fmt::format("\"{}\" is not a domain name", printable(key.domain)));
    key.domain = domain->text();
  }
  const auto selector = Selector::of_own_key(key.selector);
  if (!selector) return wrong(selector.error().message);
  key.selector = selector->text();
  if (!names_a_file(key.file))
    return wrong("holds a key in place of a file: write the key to a file and name that");
  key.file = (directory / key.file).lexically_normal().string();
  // Of two lines with one name the first counts.
  const std::string name = to_lower(entry.name);
  if (!keys_by_name_.try_emplace(name, keys_.size()).second) return Done{};
  if (names_.keys.kind == DataSetName::Kind::patterns && has_wildcard(name))
    key_patterns_.push_back({name, keys_.size()});
  keys_.push_back(std::move(key));
  return Done{};
}

Status SigningTables::add_line(const Entry& entry) {
  Line line{to_lower(entry.name), {}};
  // What stands behind a colon would be an i= tag.
  line.key = std::string(trim_wsp(entry.value.substr(0, entry.value.find(':'))));
  if (line.key.empty())
    return error_at(entry.place, fmt::format("\"{}\" names no key", printable(entry.name)));
  if (line.key != kAuthorsKey && find_key(line.key) == nullptr) {
    return error_at(entry.place,
                    fmt::format("key \"{}\" is not in signing.key_table", printable(line.key)));
  }
  const std::size_t number = lines_.size();
  const std::size_t at = line.pattern.rfind('@');
  const std::string domain = at == std::string::npos ? line.pattern : line.pattern.substr(at + 1);
  const std::size_t dot = domain.starts_with("*.") ? 1 : domain.starts_with(kWildcard) ? 1 : 0;
  if (names_.senders.kind != DataSetName::Kind::patterns) {
    by_address_[line.pattern].push_back(number);
  } else if (!has_wildcard(line.pattern)) {
    by_address_[line.pattern].push_back(number);
  } else if (at != std::string::npos && !has_wildcard(domain)) {
    by_domain_[domain].push_back(number);
  } else if (dot != 0 && domain.size() > 1 && !has_wildcard(domain.substr(1))) {
    by_suffix_[domain.substr(1)].push_back(number);
  } else {
    others_.push_back(number);
  }
  lines_.push_back(std::move(line));
  return Done{};
}

const TableKey* SigningTables::find_key(std::string_view name) const {
  const std::string wanted = to_lower(name);
  const auto plain = keys_by_name_.find(wanted);
  std::size_t best = plain == keys_by_name_.end() ? keys_.size() : plain->second;
  // Of the patterns that match the first in the file counts.
  for (const KeyPattern& pattern : key_patterns_) {
    if (pattern.key < best && matches(wanted, pattern.name)) best = pattern.key;
  }
  return best == keys_.size() ? nullptr : &keys_[best];
}

SigningTables::Numbers SigningTables::matching_patterns(const std::string& address,
                                                        std::string_view domain) const {
  Numbers candidates = others_;
  const auto add = [&](const auto& index, std::string_view key) {
    const auto found = index.find(std::string(key));
    if (found != index.end())
      candidates.insert(candidates.end(), found->second.begin(), found->second.end());
  };
  add(by_address_, address);
  add(by_domain_, domain);
  // A pattern such as "*example.org" may begin in the middle of a label.
  for (std::size_t at = 0; at < domain.size() && !by_suffix_.empty(); ++at)
    add(by_suffix_, domain.substr(at));
  std::sort(candidates.begin(), candidates.end());
  std::erase_if(candidates,
                [&](std::size_t number) { return !matches(address, lines_[number].pattern); });
  return candidates;
}

/// opendkim.conf(5), SigningTable: the names that are asked for, one after the other.
SigningTables::Numbers SigningTables::matching_names(const std::string& user,
                                                     const std::string& domain) const {
  std::vector<std::string> names = {user + "@" + domain, domain};
  std::vector<std::string> above;
  for (std::size_t dot = domain.find('.'); dot != std::string::npos;
       dot = domain.find('.', dot + 1))
    above.push_back(domain.substr(dot));
  for (const std::string& name : above) names.push_back(user + "@" + name);
  names.insert(names.end(), above.begin(), above.end());
  names.push_back(user + "@*");
  names.emplace_back("*");
  Numbers found;
  for (const std::string& name : names) {
    // Of several lines with one name the first counts.
    if (const auto line = by_address_.find(name); line != by_address_.end())
      found.push_back(line->second.front());
  }
  return found;
}

std::vector<const TableKey*> SigningTables::choose(const std::string& user,
                                                   const DomainName& domain) const {
  const std::string lower = to_lower(user);
  Numbers lines = names_.senders.kind == DataSetName::Kind::patterns
                      ? matching_patterns(lower + "@" + domain.text(), domain.text())
                      : matching_names(lower, domain.text());
  if (names_.matches == TableMatches::first && lines.size() > 1) lines.resize(1);
  std::vector<const TableKey*> chosen;
  for (const std::size_t number : lines) {
    const std::string& name = lines_[number].key;
    const TableKey* key = find_key(name == kAuthorsKey ? domain.text() : name);
    if (key != nullptr && std::find(chosen.begin(), chosen.end(), key) == chosen.end())
      chosen.push_back(key);
  }
  return chosen;
}

}  // namespace authmilter
