#include "dkim/signature_prefix.h"

#include <algorithm>
#include <cstddef>

namespace authmilter {
namespace {

constexpr std::size_t kShortestPrefix = 8;  // RFC 6008 section 4

std::size_t common_prefix(const std::string& a, const std::string& b) {
  const auto limit = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + limit, b.begin()).first -
                                  a.begin());
}

}  // namespace

std::vector<std::string> signature_prefixes(const std::vector<std::string>& signatures) {
  std::vector<std::string> prefixes;
  for (const auto& signature : signatures) {
    if (signature.empty()) {  // most of those that are too many
      prefixes.emplace_back();
      continue;
    }
    std::size_t length = kShortestPrefix;
    for (const auto& other : signatures) {
      if (other != signature) length = std::max(length, common_prefix(signature, other) + 1);
    }
    prefixes.push_back(signature.substr(0, length));
  }
  return prefixes;
}

}  // namespace authmilter
