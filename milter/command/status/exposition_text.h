#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

namespace authmilter::tools {

/// One line of what Prometheus reads: `name{label="value"} 12`.
struct Sample {
  std::string name;
  std::map<std::string, std::string, std::less<>> labels;
  double value = 0;

  /// A label's value, or nothing where it has none.
  std::string_view label(std::string_view label_name) const;
  bool operator==(const Sample&) const = default;
};

/// Reads the text form of Prometheus (its "exposition format", version 0.0.4): comments are
/// skipped, times of samples dropped. Any line that is neither is an error, which names it by its
/// number. Pure; linear in the text, so its caller bounds it.
Result<std::vector<Sample>> parse_exposition(std::string_view text);

}  // namespace authmilter::tools
