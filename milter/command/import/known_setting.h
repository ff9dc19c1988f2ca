#pragma once

#include <string_view>

#include "import/settings_file.h"

namespace authmilter::importer {

// The rows of opendkim_settings.cc and opendmarc_settings.cc.

inline constexpr auto kText = ValueKind::text;
inline constexpr auto kBool = ValueKind::boolean;
inline constexpr auto kInteger = ValueKind::integer;

constexpr KnownSetting translated(std::string_view name, ValueKind kind) {
  return {name, kind, Treatment::translated, "", ""};
}
constexpr KnownSetting needless(std::string_view name, ValueKind kind) {
  return {name, kind, Treatment::needless, "", ""};
}
constexpr KnownSetting lost(std::string_view name, ValueKind kind, std::string_view without_effect,
                            std::string_view loss) {
  return {name, kind, Treatment::lost, without_effect, loss};
}

}  // namespace authmilter::importer
