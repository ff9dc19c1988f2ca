#pragma once

#include <authmilter/message.h>

#include <cstddef>
#include <vector>

#include "verify/header_edits.h"

namespace authmilter {

/// Keeps a message's header up to HeaderLimits. Once one of them is exceeded only fields that may
/// have to be removed are kept, and the start of each, so the memory a sender can take is bounded.
class HeaderGuard {
 public:
  explicit HeaderGuard(const HeaderLimits& limits) : limits_(limits) {}

  /// False when a limit is exceeded, by this field or an earlier one.
  bool add(const HeaderField& field) {
    const std::size_t octets = field.name.size() + field.value.size() + 3;  // colon and CRLF
    total_octets_ += octets;
    exceeded_ = exceeded_ || fields_.size() >= limits_.fields || octets > limits_.field_octets ||
                total_octets_ > limits_.total_octets;
    if (!exceeded_) {
      fields_.push_back(field);
    } else if (may_be_forged(field)) {
      overflowed_ = overflowed_ || field.name.size() > kKeptOctets || kept_ >= kKeptFields;
      if (!overflowed_) {
        ++kept_;
        fields_.push_back({field.name, field.value.substr(0, kKeptOctets)});
      }
    }
    return !exceeded_;
  }

  bool exceeded() const { return exceeded_; }
  /// Beyond the limits there are more fields in our name than can be removed: the message cannot go
  /// on, whatever the configuration says.
  bool overflowed() const { return overflowed_; }
  const std::vector<HeaderField>& fields() const { return fields_; }

 private:
  // Beyond the limits. The authserv-id stands at the start of a field; where the cut leaves none,
  // the field is taken for a forgery (RFC 8601 section 5).
  static constexpr std::size_t kKeptFields = 1000;
  static constexpr std::size_t kKeptOctets = 1024;

  HeaderLimits limits_;
  std::vector<HeaderField> fields_;
  std::size_t total_octets_ = 0;
  std::size_t kept_ = 0;
  bool exceeded_ = false;
  bool overflowed_ = false;
};

}  // namespace authmilter
