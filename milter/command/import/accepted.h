#pragma once

#include <string>

namespace authmilter::importer {

// What the daemon's own parser says, so that nothing is written that it would refuse.

bool is_accepted_socket(const std::string& socket);
bool is_accepted_key(const std::string& selector, const std::string& file);

}  // namespace authmilter::importer
