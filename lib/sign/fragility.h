#pragma once

#include <authmilter/sign.h>

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace authmilter {

/// Watches a message that is being signed for what MTAs behind us may have to write anew, after
/// which the signature does not hold. Streaming, constant memory.
class FragilityScan {
 public:
  explicit FragilityScan(Mta mta) : mta_(mta) {}

  /// The signed fields of a header.
  void header(const std::vector<HeaderField>& fields, const std::vector<std::string>& signed_names);
  /// Octets split anywhere.
  void body(std::string_view octets);
  void add(Fragility kind) { found_.insert(kind); }

  std::vector<Fragility> found() const { return {found_.begin(), found_.end()}; }

 private:
  std::size_t longest_line() const;
  bool line_is_too_long() const;

  Mta mta_;
  std::size_t column_ = 0;  // octets of the body's line in hand
  bool after_cr_ = false;
  std::set<Fragility> found_;
};

/// The fields of a message that Sendmail will write anew, since they hold an address without a
/// domain: their names, lower case. To be left out of a signature.
std::vector<std::string> names_to_be_qualified(const std::vector<HeaderField>& fields, Mta mta);

}  // namespace authmilter
