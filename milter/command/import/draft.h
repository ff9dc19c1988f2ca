#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace authmilter::importer {

/// An authmilter.toml in the making: keys by section, each with the place that it comes from.
class Draft {
 public:
  /// Sets "section.key" to a TOML value; the last one counts. `origin` says where it comes from
  /// and, where that is not plain, what it means.
  void set(std::string_view section, std::string_view key, std::string value, std::string origin);
  /// The TOML value; empty when it is not set.
  std::string_view value(std::string_view section, std::string_view key) const;

  struct Line {
    std::string key;
    std::string value;
  };
  /// Adds a `[[name]]` table, which belongs to the section before its dot.
  void add_table(std::string_view name, std::vector<Line> lines, std::string origin);

  /// A table that is to stand in a file of its own.
  struct Part {
    std::string value;  // of the key that names it, as TOML
    std::string text;
  };
  /// Takes out the tables `[[name]]`; each has the line `key`.
  std::vector<Part> take_tables(std::string_view name, std::string_view key);

  /// The whole text, headed by `title` as a comment.
  std::string text(std::string_view title) const;

 private:
  struct Key {
    std::string name;
    std::string value;
    std::string origin;
  };
  struct Table {
    std::string name;
    std::vector<Line> lines;
    std::string origin;
  };
  struct Section {
    std::string name;
    std::vector<Key> keys;
    std::vector<Table> tables;
  };
  static std::string text_of(const Table& table);
  Section& section(std::string_view name);
  std::vector<Section> sections_;
};

}  // namespace authmilter::importer
