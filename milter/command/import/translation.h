#pragma once

#include <optional>
#include <string>

#include <authmilter/result.h>

#include "import/draft.h"
#include "import/remark.h"
#include "import/settings_file.h"

namespace authmilter::importer {

/// What is made of a configuration: the new one, and what there is to say about it.
struct Translation {
  Draft draft;
  Remarks remarks;
};

/// A translation in progress: reports things at the place of a setting, and writes keys with where
/// they come from.
class Translator {
 public:
  Translator(std::string program, const Settings& settings, const Files& files,
             Translation& translation);

  const Settings& settings() const { return settings_; }
  Draft& draft() const { return translation_.draft; }
  Remarks& remarks() { return translation_.remarks; }
  const ReadFile& read_file() const { return files_.read; }
  bool is_missing(const std::string& path) const { return files_.missing(path); }

  void warn(std::string_view setting, std::string text);
  void note(std::string_view setting, std::string text);
  /// "FILE:12: NAME", or what the default of a setting is. `more` explains.
  std::string origin(std::string_view setting, std::string_view more = "") const;
  void set(std::string_view section, std::string_view key, std::string value,
           std::string_view setting, std::string_view more = "");

  // What both programs have in the same way.

  /// BaseDirectory, below which relative files are.
  std::string base_directory() const;
  void socket();
  void authserv_id();
  void dns_timeout();
  void log();

 private:
  void socket_mode();
  void note_folder(const std::string& folder);
  std::optional<std::string> translated_socket(const std::string& text);

  std::string program_;
  const Settings& settings_;
  const Files& files_;
  Translation& translation_;
};

}  // namespace authmilter::importer
