#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace authmilter {

/// The name of a host that calls itself `given`: that name if it has a dot, else what `ask` makes
/// of it. `ask` runs in a child process and may block: after `patience` the given name stands.
std::string qualified_name(std::string_view given,
                           const std::function<std::string(const std::string& name)>& ask,
                           std::chrono::milliseconds patience);

}  // namespace authmilter
