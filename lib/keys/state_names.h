#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <authmilter/domain_name.h>

namespace authmilter {

// What stands in signing.state_directory: DOMAIN.toml is a state, .used.N the days on which the
// daemon's process number N has used keys.
inline constexpr std::string_view kStateNameEnd = ".toml";
inline constexpr std::string_view kUsesNameBegin = ".used.";

/// The domain of a state file by its name; nothing for other files.
inline std::optional<DomainName> domain_of_state(std::string_view name) {
  if (!name.ends_with(kStateNameEnd)) return std::nullopt;
  name.remove_suffix(kStateNameEnd.size());
  const auto domain = DomainName::parse(name);
  if (!domain || domain->text() != name) return std::nullopt;
  return domain;
}

}  // namespace authmilter
