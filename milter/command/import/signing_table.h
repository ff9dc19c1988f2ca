#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "import/data_set.h"
#include "import/remark.h"
#include "import/signing_plan.h"

namespace authmilter::importer {

/// OpenDKIM's KeyTable: names of keys, each with a domain, a selector and a file, in which "%" may
/// stand for the author's domain.
class KeyTable {
 public:
  /// Files are below `directory`. Tells of keys that are not in files.
  KeyTable(const DataSet& set, const std::string& directory, Remarks& remarks);

  struct Key {
    std::string domain;
    std::string selector;
    std::string file;
    bool usable;  // otherwise it has been reported
    Place place;
  };
  const Key* find(const std::string& name) const;
  /// Of all keys, in lower case.
  std::vector<std::string> names() const;

 private:
  std::map<std::string, Key> keys_;
  // Of a file of patterns: where each name stands first, and the names with a wildcard in order.
  struct Pattern {
    std::string name;
    std::size_t index;
  };
  std::unordered_map<std::string, std::size_t> plain_;
  std::vector<Pattern> wild_;
};

enum class Matches : std::uint8_t { first, all };

/// OpenDKIM's SigningTable: which keys sign the mail of which authors.
class SigningTable {
 public:
  SigningTable(const DataSet& set, const KeyTable& keys, Matches matches, Remarks& remarks);

  std::vector<ChosenKey> choose(const std::string& user, const std::string& domain) const;
  /// The authors that the lines are about.
  std::vector<Sample> samples() const;
  /// Tells of lines about single users, whose mail is signed differently from that of others.
  void remark_on_users(Remarks& remarks) const;

 private:
  /// What the domain of an author must be like for a line.
  struct Domains {
    enum class Shape : std::uint8_t { exact, below, exact_and_below, all, other, never } shape;
    std::string name;
  };
  struct Line {
    std::string pattern;  // in lower case
    std::string user;     // of the pattern; "*" for every one
    Domains domains;
    std::string key;
    Place place;
  };
  Line read_line(const DataSetEntry& entry) const;
  Domains read_domains(const std::string& pattern) const;
  void remark_on_line(const Line& line, const DataSetEntry& entry, Remarks& remarks) const;
  std::vector<const Line*> matching_patterns(const std::string& user,
                                             const std::string& domain) const;
  std::vector<const Line*> matching_names(const std::string& user, const std::string& domain) const;

  const KeyTable& keys_;
  DataSetKind kind_;
  Matches matches_;
  std::vector<Line> lines_;
  using LinesByName = std::unordered_map<std::string, std::vector<std::size_t>>;
  LinesByName by_address_;                      // patterns of one address
  LinesByName by_domain_;                       // of one domain
  LinesByName by_suffix_;                       // of those that end so: what stands behind the '*'
  std::vector<std::size_t> wild_;               // of any others
  std::map<std::string, std::size_t> by_name_;  // lines of other data sets
};

}  // namespace authmilter::importer
