#pragma once

#include <memory>
#include <string>

namespace authmilter {

/// Where something stands in a configuration, which may be one file or many. All places of a file
/// share its name, since there may be a hundred thousand.
struct ConfigPlace {
  std::shared_ptr<const std::string> file;  // null: it was made by a program, and stands nowhere
  unsigned line = 0;                        // both counted from 1
  unsigned column = 0;

  /// "file:line:column".
  std::string text() const;
};

}  // namespace authmilter
