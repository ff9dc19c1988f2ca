#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

#include "import/remark.h"

namespace authmilter::importer {

/// The octets of a file that a configuration names, or why there are none.
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

/// What is asked about files.
struct Files {
  ReadFile read;
  /// True where there is nothing of that name; false when it cannot be known, as below a directory
  /// that one may not enter.
  std::function<bool(const std::string& path)> missing;
};

enum class ValueKind : std::uint8_t { text, boolean, integer, file };

/// What becomes of a setting. `lost` ones are reported, unless the value is the one without effect.
enum class Treatment : std::uint8_t { translated, needless, lost };

/// A setting that the program knows, and what importing it means.
struct KnownSetting {
  std::string_view name;
  ValueKind kind;
  Treatment treatment;
  std::string_view without_effect;  // the value that asks for nothing
  std::string_view loss;            // what is lost, and what to do instead
};
using KnownSettings = std::span<const KnownSetting>;

const KnownSetting* find_known(KnownSettings known, std::string_view name);

/// A line of a configuration.
struct Setting {
  std::string name;
  std::string value;
  Place place;
};

/// A configuration as its program sees it: the last line of a name counts.
class Settings {
 public:
  /// Reads a configuration and what it includes. An error is a file that cannot be read, or what
  /// would keep the program from starting: a missing value, or one of the wrong kind.
  static Result<Settings> read(const std::string& path, KnownSettings known,
                               const ReadFile& read_file);

  const Setting* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The value; of the wrong kind there is none.
  std::optional<std::string> text(std::string_view name) const;
  bool boolean(std::string_view name, bool otherwise = false) const;
  long integer(std::string_view name, long otherwise) const;
  /// Where it was written; the default's place if it was not.
  Place place(std::string_view name) const;

  const std::string& file() const { return file_; }
  /// In the order of the file.
  const std::vector<Setting>& all() const { return settings_; }

 private:
  std::string file_;
  std::vector<Setting> settings_;
};

/// Tells of every setting that is lost or unknown.
void remark_on_losses(const Settings& settings, KnownSettings known, Remarks& remarks);

}  // namespace authmilter::importer
