#pragma once

#include <map>
#include <string>

#include <fmt/format.h>

#include <authmilter/config.h>

#include "import/import.h"

namespace authmilter::importer {

/// Files by name; "k" is OpenDKIM's configuration, "m" OpenDMARC's.
using FileTexts = std::map<std::string, std::string>;

inline ReadFile reader_of(const FileTexts& files) {
  return [&files](const std::string& path) -> Result<std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return Error{path + ": no such file"};
    return found->second;
  };
}

/// Keys are not among the texts, for nobody reads them: what is below /missing is not there.
inline Files files_of(const FileTexts& texts) {
  return {reader_of(texts), [](const std::string& path) { return path.starts_with("/missing/"); }};
}

struct ImportedTexts {
  std::string error;
  std::string configuration;
  std::string warnings;  // "file:line setting: text", a line each
  std::string notes;
  Config config;
};

inline ImportedTexts import_texts(const FileTexts& files, const std::string& keys_directory = "") {
  const Sources sources{files.contains("k") ? "k" : "", files.contains("m") ? "m" : "",
                        keys_directory};
  ImportedTexts texts;
  const auto imported = import_configurations(sources, files_of(files));
  if (!imported) {
    texts.error = imported.error().message;
    return texts;
  }
  texts.configuration = imported->configuration;
  for (const Remark& remark : imported->remarks) {
    (remark.weight == Weight::warning ? texts.warnings : texts.notes) +=
        fmt::format("{} {}: {}\n", remark.place.text(), remark.setting, remark.text);
  }
  const auto config = parse_config(imported->configuration, "import", "host.example");
  if (config) {
    texts.config = *config;
  } else {
    texts.error = config.error().message;
  }
  return texts;
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace authmilter::importer
