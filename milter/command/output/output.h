#pragma once

#include <string>
#include <string_view>

#include "output/exit_status.h"
#include "output/json.h"

namespace authmilter::tools {

/// Standard output, whole and checked: `status`, or `output` when it cannot be written.
ExitStatus write_out(std::string_view text, ExitStatus status);
ExitStatus write_json(const Json& json, ExitStatus status);

/// What a stranger wrote, fit for a terminal: octets outside printable ASCII become `\xNN`.
std::string printable(std::string_view text);

/// Aligned plain text under headings. Colours results when standard output is a terminal and
/// NO_COLOR is not set.
class Report {
 public:
  Report();
  void heading(std::string_view text);
  /// Two columns; an empty label continues the line before.
  void line(std::string_view label, std::string_view text);
  /// A result's word in its colour: green, yellow or red.
  std::string result(std::string_view word) const;
  ExitStatus write(ExitStatus status) const { return write_out(text_, status); }

 private:
  std::string text_;
  bool colour_;
};

}  // namespace authmilter::tools
