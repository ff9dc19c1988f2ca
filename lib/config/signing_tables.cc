#include <authmilter/signing_tables.h>

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/number_index.h"
#include "base/text_pool.h"
#include "config/data_set.h"

namespace authmilter {
namespace {

/// In place of a key's name: the key that has the author's domain for a name.
constexpr std::string_view kAuthorsKey = "%";
constexpr char kWildcard = '*';

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

}  // namespace

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

namespace {

std::size_t hash_of(std::string_view text) { return std::hash<std::string_view>()(text); }

/// How the lines are found that may be for an author.
enum class Finding : std::uint8_t { by_address, by_domain, by_suffix, by_trying };

struct Found {
  Finding finding = Finding::by_address;
  std::string_view text;  // of the pattern
};

Found finding_of(std::string_view pattern, DataSetName::Kind kind) {
  if (kind != DataSetName::Kind::patterns || !has_wildcard(pattern))
    return {Finding::by_address, pattern};
  const std::size_t at = pattern.rfind('@');
  const std::string_view domain = at == std::string_view::npos ? pattern : pattern.substr(at + 1);
  if (at != std::string_view::npos && !has_wildcard(domain)) return {Finding::by_domain, domain};
  const std::string_view behind = domain.substr(domain.starts_with(kWildcard) ? 1 : 0);
  // Behind "*." or "*" of the domain.
  if (behind.size() < domain.size() && !behind.empty() && !has_wildcard(behind))
    return {Finding::by_suffix, behind};
  return {Finding::by_trying, pattern};
}

}  // namespace

/// Texts stand in one pool, and lines are found by numbers: in 100,000 domains that makes the
/// difference between 300 octets for each and 900.
struct SigningTables::Data {
  using Text = TextPool::Text;
  using Numbers = std::vector<std::uint32_t>;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct Key {
    Text name;
    Text domain;
    Text selector;
    Text file;  // or the key itself
    std::uint32_t line = 0;
    std::uint32_t column = 0;
  };
  /// A line of the SigningTable.
  struct Line {
    Text pattern;                // in lower case
    std::uint32_t key = 0;       // kNone: the author's domain is its name
    std::uint32_t more = kNone;  // another one that is found in the same way
  };

  Status read_keys(const std::filesystem::path& directory);
  Status add_key(const DataSetEntry& entry, const std::filesystem::path& directory);
  void index_keys();
  Status check_selectors() const;
  Status read_lines(const std::filesystem::path& directory);
  Status add_line(const DataSetEntry& entry, const ConfigPlace& place);
  void index_lines();
  Text key_text(std::string_view text);
  std::uint32_t find_key(std::string_view name) const;
  Numbers matching_patterns(const std::string& address, std::string_view domain) const;
  Numbers matching_names(const std::string& user, const std::string& domain) const;
  std::uint32_t first_by(Finding finding, std::string_view text) const;
  SigningTableNames names;
  TextPool texts;
  std::shared_ptr<const std::string> key_place;  // the file of the keys
  std::string file_with_keys;
  std::vector<Key> keys;
  NumberIndex by_name;
  Numbers key_patterns;  // of a KeyTable of patterns: the names with a wildcard
  std::vector<Line> lines;
  NumberIndex found_by[3];  // the first line of each that is found in a way
  Numbers tried;
  std::unordered_map<std::string, Text> short_texts;  // while it is read
};

/// Most keys have one of few selectors, and the domain of the key before.
SigningTables::Data::Text SigningTables::Data::key_text(std::string_view text) {
  constexpr std::size_t kMost = 1000;
  const auto known = short_texts.find(std::string(text));
  if (known != short_texts.end()) return known->second;
  if (short_texts.size() == kMost) short_texts.clear();
  return short_texts.emplace(text, texts.add(text)).first->second;
}

Status SigningTables::Data::read_keys(const std::filesystem::path& directory) {
  const auto path = (directory / names.keys.rest).lexically_normal();
  const bool listed = names.keys.kind == DataSetName::Kind::list;
  // Not the list itself, which may hold keys.
  key_place = std::make_shared<const std::string>(listed ? "signing.key_table" : path.string());
  auto read = each_entry_of(names.keys, path,
                            [&](const DataSetEntry& entry) { return add_key(entry, directory); });
  if (!read) return read;
  index_keys();
  return check_selectors();
}

/// "domain:selector:file"; the file may hold colons.
Status SigningTables::Data::add_key(const DataSetEntry& entry,
                                    const std::filesystem::path& directory) {
  const auto wrong = [&](const std::string& message) {
    return error_at({key_place, entry.line, entry.column},
                    fmt::format("key \"{}\": {}", printable(entry.name), message));
  };
  const std::string_view value = entry.value;
  const std::size_t first = value.find(':');
  const std::size_t second = first == std::string_view::npos ? first : value.find(':', first + 1);
  if (second == std::string_view::npos) return wrong("is not of the form DOMAIN:SELECTOR:FILE");
  std::string domain(trim_wsp(value.substr(0, first)));
  if (domain != "%") {
    const auto parsed = DomainName::parse(domain);
    if (!parsed) return wrong(fmt::format("\"{}\" is not a domain name", printable(domain)));
    domain = parsed->text();
  }
  const auto selector =
      Selector::of_own_key(std::string(trim_wsp(value.substr(first + 1, second - first - 1))));
  if (!selector) return wrong(selector.error().message);
  std::string file(trim_wsp(value.substr(second + 1)));
  if (file.empty()) return wrong("names no file");
  if (names_a_file(file)) {
    if (!file.starts_with('/') || file.find("/.") != std::string::npos ||
        file.find("//") != std::string::npos)
      file = (directory / file).lexically_normal().string();
  } else if (names.keys.kind != DataSetName::Kind::list) {
    file_with_keys = *key_place;
  }
  keys.push_back({texts.add(entry.name), key_text(domain), key_text(selector->text()),
                  texts.add(file), entry.line, entry.column});
  return Done{};
}

void SigningTables::Data::index_keys() {
  by_name = NumberIndex(keys.size());
  for (std::uint32_t number = 0; number < keys.size(); ++number) {
    const std::string_view name = texts[keys[number].name];
    // Of two lines with one name the first counts.
    const std::uint32_t first =
        by_name.find_or_add(hash_of(name), number,
                            [&](std::uint32_t other) { return texts[keys[other].name] == name; });
    if (first == number && names.keys.kind == DataSetName::Kind::patterns && has_wildcard(name))
      key_patterns.push_back(number);
  }
}

/// Of two keys under one selector only one can be published. One key may have several names.
Status SigningTables::Data::check_selectors() const {
  NumberIndex by_selector(keys.size());
  for (std::uint32_t number = 0; number < keys.size(); ++number) {
    const Key& key = keys[number];
    const std::string_view selector = texts[key.selector];
    const std::string_view domain = texts[key.domain];
    const Key& first = keys[by_selector.find_or_add(
        hash_of(selector) * 31 + hash_of(domain), number, [&](std::uint32_t other) {
          return texts[keys[other].selector] == selector && texts[keys[other].domain] == domain;
        })];
    if (texts[first.file] == texts[key.file]) continue;
    return error_at({key_place, key.line, key.column},
                    fmt::format("selector \"{}\" of {} has another key at {}", selector, domain,
                                ConfigPlace{key_place, first.line, first.column}.text()));
  }
  return Done{};
}

Status SigningTables::Data::read_lines(const std::filesystem::path& directory) {
  const auto path = (directory / names.senders.rest).lexically_normal();
  const bool listed = names.senders.kind == DataSetName::Kind::list;
  const auto file =
      std::make_shared<const std::string>(listed ? "signing.signing_table" : path.string());
  auto read = each_entry_of(names.senders, path, [&](const DataSetEntry& entry) {
    return add_line(entry, {file, entry.line, entry.column});
  });
  if (!read) return read;
  index_lines();
  texts.shrink();
  lines.shrink_to_fit();
  keys.shrink_to_fit();
  short_texts = {};
  return Done{};
}

Status SigningTables::Data::add_line(const DataSetEntry& entry, const ConfigPlace& place) {
  // What stands behind a colon would be an i= tag.
  const std::string_view name = trim_wsp(entry.value.substr(0, entry.value.find(':')));
  if (name.empty())
    return error_at(place, fmt::format("\"{}\" names no key", printable(entry.name)));
  const std::uint32_t key = name == kAuthorsKey ? kNone : find_key(name);
  if (name != kAuthorsKey && key == kNone) {
    return error_at(place, fmt::format("key \"{}\" is not in signing.key_table", printable(name)));
  }
  const std::string pattern = to_lower(entry.name);
  const bool again = !lines.empty() && texts[lines.back().pattern] == pattern;
  lines.push_back({again ? lines.back().pattern : texts.add(pattern), key});
  return Done{};
}

void SigningTables::Data::index_lines() {
  std::size_t count[4] = {};
  const auto finding = [this](const Line& line) {
    return finding_of(texts[line.pattern], names.senders.kind);
  };
  for (const Line& line : lines) ++count[static_cast<std::size_t>(finding(line).finding)];
  for (std::size_t way = 0; way < std::size(found_by); ++way)
    found_by[way] = NumberIndex(count[way]);
  for (std::uint32_t number = 0; number < lines.size(); ++number) {
    const Found found = finding(lines[number]);
    if (found.finding == Finding::by_trying) {
      tried.push_back(number);
      continue;
    }
    const std::uint32_t first = found_by[static_cast<std::size_t>(found.finding)].find_or_add(
        hash_of(found.text), number,
        [&](std::uint32_t other) { return finding(lines[other]).text == found.text; });
    if (first == number) continue;
    lines[number].more = lines[first].more;
    lines[first].more = number;
  }
}

std::uint32_t SigningTables::Data::first_by(Finding finding, std::string_view text) const {
  return found_by[static_cast<std::size_t>(finding)]
      .find(hash_of(text),
            [&](std::uint32_t number) {
              return finding_of(texts[lines[number].pattern], names.senders.kind).text == text;
            })
      .value_or(kNone);
}

std::uint32_t SigningTables::Data::find_key(std::string_view name) const {
  std::uint32_t best =
      by_name
          .find(hash_of(name),
                [&](std::uint32_t number) { return texts[keys[number].name] == name; })
          .value_or(kNone);
  // Of the patterns that match the first in the file counts.
  for (const std::uint32_t number : key_patterns) {
    if (number < best && matches(name, texts[keys[number].name])) best = number;
  }
  return best;
}

SigningTables::Data::Numbers SigningTables::Data::matching_patterns(const std::string& address,
                                                                    std::string_view domain) const {
  Numbers candidates = tried;
  const auto add = [&](Finding finding, std::string_view text) {
    for (std::uint32_t number = first_by(finding, text); number != kNone;
         number = lines[number].more)
      candidates.push_back(number);
  };
  add(Finding::by_address, address);
  add(Finding::by_domain, domain);
  // A pattern such as "*example.org" may begin in the middle of a label.
  for (std::size_t at = 0; at < domain.size(); ++at) add(Finding::by_suffix, domain.substr(at));
  std::sort(candidates.begin(), candidates.end());
  std::erase_if(candidates, [&](std::uint32_t number) {
    return !matches(address, texts[lines[number].pattern]);
  });
  return candidates;
}

/// opendkim.conf(5), SigningTable: the names that are asked for, one after the other.
SigningTables::Data::Numbers SigningTables::Data::matching_names(const std::string& user,
                                                                 const std::string& domain) const {
  std::vector<std::string> wanted = {user + "@" + domain, domain};
  std::vector<std::string> above;
  for (std::size_t dot = domain.find('.'); dot != std::string::npos;
       dot = domain.find('.', dot + 1))
    above.push_back(domain.substr(dot));
  for (const std::string& name : above) wanted.push_back(user + "@" + name);
  wanted.insert(wanted.end(), above.begin(), above.end());
  wanted.push_back(user + "@*");
  wanted.emplace_back("*");
  Numbers found;
  for (const std::string& name : wanted) {
    // Of several lines with one name the first counts.
    const std::uint32_t line = first_by(Finding::by_address, name);
    if (line != kNone) found.push_back(line);
  }
  return found;
}

SigningTables::SigningTables() : data_(std::make_unique<Data>()) {}
SigningTables::~SigningTables() = default;

Result<std::shared_ptr<const SigningTables>> SigningTables::load(
    const SigningTableNames& names, const std::filesystem::path& directory) {
  auto tables = std::make_shared<SigningTables>();
  tables->data_->names = names;
  if (auto read = tables->data_->read_keys(directory); !read) return read.error();
  if (auto read = tables->data_->read_lines(directory); !read) return read.error();
  return std::shared_ptr<const SigningTables>(std::move(tables));
}

std::size_t SigningTables::key_count() const { return data_->keys.size(); }

TableKey SigningTables::key(std::size_t number) const {
  const Data::Key& key = data_->keys[number];
  const TextPool& texts = data_->texts;
  TableKey out{std::string(texts[key.domain]),
               std::string(texts[key.selector]),
               {},
               {},
               {data_->key_place, key.line, key.column}};
  const std::string_view file = texts[key.file];
  (file.starts_with('/') ? out.file : out.text) = file;
  return out;
}

const std::string& SigningTables::file_with_keys() const { return data_->file_with_keys; }

std::vector<TableKey> SigningTables::choose(const std::string& user,
                                            const DomainName& domain) const {
  const Data& data = *data_;
  const std::string lower = to_lower(user);
  Data::Numbers lines = data.names.senders.kind == DataSetName::Kind::patterns
                            ? data.matching_patterns(lower + "@" + domain.text(), domain.text())
                            : data.matching_names(lower, domain.text());
  if (data.names.matches == TableMatches::first && lines.size() > 1) lines.resize(1);
  Data::Numbers chosen;
  for (const std::uint32_t number : lines) {
    std::uint32_t key = data.lines[number].key;
    if (key == Data::kNone) key = data.find_key(domain.text());
    if (key != Data::kNone && std::find(chosen.begin(), chosen.end(), key) == chosen.end())
      chosen.push_back(key);
  }
  std::vector<TableKey> keys;
  for (const std::uint32_t number : chosen) keys.push_back(key(number));
  return keys;
}

}  // namespace authmilter
