#pragma once

#include <chrono>
#include <cstddef>

namespace authmilter {

// CNAMEs followed for one question. RFC 1034 section 3.6.2 wants chains to work and loops to be an
// error; honest chains have two or three links.
constexpr int kAliasLimit = 8;

/// How long a negative answer is kept where no SOA record says it (RFC 2308 section 5).
constexpr std::chrono::seconds kNegativeTtl{60};

}  // namespace authmilter
