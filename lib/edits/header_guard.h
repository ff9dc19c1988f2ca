#pragma once

#include <authmilter/message.h>

#include <cstddef>
#include <string>
#include <vector>

#include "edits/header_edits.h"

namespace authmilter {

/// Keeps a message's header up to HeaderLimits. Once one of them is exceeded only fields that may
/// have to be removed are kept, and those only if they are short, so the memory a sender can take
/// is bounded.
class HeaderGuard {
 public:
  explicit HeaderGuard(const HeaderLimits& limits) : limits_(limits) {}

  /// False when a limit is exceeded, by this field or an earlier one.
  bool add(const HeaderField& field);

  bool exceeded() const { return !excess_.empty(); }
  /// What was too much: "field To has more than 59000 octets". Printable ASCII; empty when nothing
  /// was.
  const std::string& excess() const { return excess_; }
  /// Beyond the limits there are more fields in our name than can be removed: the message cannot go
  /// on, whatever the configuration says.
  bool overflowed() const { return overflowed_; }
  const std::vector<HeaderField>& fields() const { return fields_; }

 private:
  HeaderLimits limits_;
  std::vector<HeaderField> fields_;
  std::size_t total_octets_ = 0;
  std::size_t kept_ = 0;
  std::string excess_;
  bool overflowed_ = false;
};

}  // namespace authmilter
