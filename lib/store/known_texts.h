#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include <authmilter/report_row.h>

namespace authmilter {

/// What a text is found by: the first octets of its SHA-256, as a number that every engine has. Two
/// texts of one hash would be counted as one. Who looks for such a pair needs some billions of
/// tries, and what he mixes up are the numbers of mail in his own name.
std::int64_t text_hash(std::string_view text);

/// Which texts the database has, and until which day it keeps them: most rows of a batch are of
/// kinds that have been seen before. Forgets all when there are too many.
class KnownTexts {
 public:
  bool has(std::int64_t hash, ReportDay day) const {
    const auto found = days_.find(hash);
    return found != days_.end() && found->second >= day;
  }
  void add(std::int64_t hash, ReportDay day) {
    if (days_.size() >= kMost) days_.clear();
    days_[hash] = day;
  }
  void clear() { days_.clear(); }

 private:
  static constexpr std::size_t kMost = 200'000;  // some 8 MB
  std::unordered_map<std::int64_t, ReportDay> days_;
};

}  // namespace authmilter
