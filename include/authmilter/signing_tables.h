#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <authmilter/config_place.h>
#include <authmilter/domain_name.h>
#include <authmilter/result.h>
#include <authmilter/selector.h>

namespace authmilter {

/// A table of OpenDKIM, as opendkim.conf(5) writes down data sets: "file:PATH" or "PATH", a file of
/// names and values; "refile:PATH", one of patterns; "csl:NAME=VALUE,...", the entries themselves.
struct DataSetName {
  enum class Kind : std::uint8_t { file, patterns, list };
  Kind kind = Kind::file;
  std::string rest;  // empty: no table

  static Result<DataSetName> parse(std::string_view text);
  std::string text() const;
  bool empty() const { return rest.empty(); }
  bool operator==(const DataSetName&) const = default;
};

/// Of several lines for one author: the first alone, or all (MultipleSignatures).
enum class TableMatches : std::uint8_t { first, all };

struct SigningTableNames {
  DataSetName keys;
  DataSetName senders;
  TableMatches matches = TableMatches::first;
};

/// A key of a KeyTable. In `domain` and `file` a '%' stands for the author's domain.
struct TableKey {
  std::string domain;  // d=; "%" or a DomainName
  std::string selector;
  std::string file;  // absolute
  ConfigPlace place;
  bool is_template() const { return file.find('%') != std::string::npos; }
};

/// OpenDKIM's KeyTable and SigningTable, read as they are. A look-up costs the labels of a name,
/// and the lines whose pattern has a wildcard in its domain. Immutable, thread-safe.
class SigningTables {
 public:
  /// Reads both; files are below `directory`. Errors are "file:line:column: message".
  static Result<std::shared_ptr<const SigningTables>> load(const SigningTableNames& names,
                                                           const std::filesystem::path& directory);

  /// The keys for the mail of `user`@`domain`, each once. The user is compared in lower case.
  std::vector<const TableKey*> choose(const std::string& user, const DomainName& domain) const;
  const std::vector<TableKey>& keys() const { return keys_; }

  /// `text` with the author's domain for each '%'.
  static std::string with_domain(std::string_view text, std::string_view domain);

 private:
  struct Entry {
    std::string name;
    std::string value;
    ConfigPlace place;
  };
  /// A line of the SigningTable.
  struct Line {
    std::string pattern;  // in lower case
    std::string key;      // a name in the KeyTable; "%": the author's domain is the name
  };
  using Numbers = std::vector<std::size_t>;

  static Result<std::vector<Entry>> read(const DataSetName& name,
                                         const std::filesystem::path& directory);
  Status add_key(const Entry& entry, const std::filesystem::path& directory);
  Status add_line(const Entry& entry);
  const TableKey* find_key(std::string_view name) const;
  Numbers matching_patterns(const std::string& address, std::string_view domain) const;
  Numbers matching_names(const std::string& user, const std::string& domain) const;

  SigningTableNames names_;
  std::vector<TableKey> keys_;
  std::unordered_map<std::string, std::size_t> keys_by_name_;
  struct KeyPattern {
    std::string name;
    std::size_t key;
  };
  std::vector<KeyPattern> key_patterns_;  // of a KeyTable of patterns: the names with a wildcard
  std::vector<Line> lines_;
  std::unordered_map<std::string, Numbers> by_address_;  // patterns without a wildcard
  std::unordered_map<std::string, Numbers> by_domain_;   // those with one before the '@' alone
  std::unordered_map<std::string, Numbers> by_suffix_;   // behind "*." or "*" of the domain
  Numbers others_;
};

}  // namespace authmilter
