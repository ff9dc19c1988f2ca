#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
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
  std::string file;  // absolute; empty: the table holds the key itself
  std::string text;  // that key, PEM or the base64 of its DER, on one line
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
  SigningTables();
  ~SigningTables();

  /// The keys for the mail of `user`@`domain`, each once. The user is compared in lower case.
  std::vector<TableKey> choose(const std::string& user, const DomainName& domain) const;
  std::size_t key_count() const;
  /// In the order of the table.
  TableKey key(std::size_t number) const;
  /// The file that holds a key itself, which others must not read; empty when none does.
  const std::string& file_with_keys() const;

  /// `text` with the author's domain for each '%'.
  static std::string with_domain(std::string_view text, std::string_view domain);

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace authmilter
