#pragma once

#include <string>
#include <vector>

#include <authmilter/result.h>

#include "import/draft.h"
#include "import/remark.h"
#include "import/settings_file.h"

namespace authmilter::importer {

/// An authmilter.toml that means what other filters' configurations meant, and what there is to say
/// about it, in the order of the files.
struct Imported {
  std::string configuration;
  std::vector<Draft::Part> domains;  // of the directory form: a file for each
  Remarks remarks;
};

/// Names of files, at least one; and of the directory that the keys will be copied to, if they
/// will.
struct Sources {
  std::string opendkim;
  std::string opendmarc;
  std::string keys_directory;
  /// What `signing.directory` shall be; empty: all in one text.
  std::string domains_directory = {};
};

/// Reads the configurations and the files that they name through `files`. An error is a file
/// that cannot be read, is in error or is the other program's.
Result<Imported> import_configurations(const Sources& sources, const Files& files);

}  // namespace authmilter::importer
