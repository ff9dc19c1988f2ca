#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include <authmilter/result.h>
#include <authmilter/signing_tables.h>

namespace authmilter {

/// A line of a table of OpenDKIM, or a member of a list.
struct DataSetEntry {
  std::string_view name;
  std::string_view value;
  unsigned line = 1;
  unsigned column = 1;
};
using UseOfEntry = std::function<Status(const DataSetEntry&)>;

/// Gives each entry of a table to `use`, until that has an error. `path` is of one that is a file.
Status each_entry_of(const DataSetName& name, const std::filesystem::path& path,
                     const UseOfEntry& use);

/// What stands for a key in a table is the path of its file, and not the key itself.
bool names_a_file(std::string_view text);

}  // namespace authmilter
