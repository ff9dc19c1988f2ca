#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

#include "import/remark.h"
#include "import/settings_file.h"

namespace authmilter::importer {

/// The kinds of opendkim(8), DATA SETS, that are text; the others are asked when a message comes
/// and cannot be imported.
enum class DataSetKind : std::uint8_t { list, file, patterns, other };

struct DataSetEntry {
  std::string key;
  std::string value;
  Place place;
};

struct DataSet {
  DataSetKind kind = DataSetKind::list;
  std::string type;  // "dsn", "ldap", ... of other kinds
  std::vector<DataSetEntry> entries;
};

/// Reads the data set that a setting's value describes; relative files are below `directory`. An
/// error is a file that cannot be read or a kind that OpenDKIM does not know.
Result<DataSet> read_data_set(const Setting& setting, const std::string& directory,
                              const ReadFile& read_file);

/// `path`, or what it is below `directory` when it is relative.
std::string below(const std::string& directory, const std::string& path);

}  // namespace authmilter::importer
