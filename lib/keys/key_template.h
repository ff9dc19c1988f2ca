#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace authmilter {

/// The files that a path with '%' in place of a domain name stands for: those that are there now,
/// with the same name in each place. Nothing where the directory cannot be read.
std::vector<std::string> files_of_template(std::string_view path);

}  // namespace authmilter
