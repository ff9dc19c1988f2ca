#pragma once

#include <chrono>
#include <map>
#include <vector>

#include <authmilter/rotation.h>

namespace authmilter {

// The parts of advance(), in its order.

/// Takes what was seen of the record into the life of a key; `passed` since the look before.
void take_in(KeyLife& key, const Observation& seen, std::chrono::seconds passed,
             std::vector<KeyEvent>& events);
/// An active key beside this one, of whatever type, whose record can be relied on.
bool somebody_else_signs(const DomainKeys& keys, const Selector& selector);
/// Counts for how long nobody has had the key's record.
void count_gone(KeyLife& key, const Observation& seen, std::chrono::seconds passed);
/// Counts the time of a key that is retiring.
void count_time(KeyLife& key, std::chrono::seconds passed);

}  // namespace authmilter
