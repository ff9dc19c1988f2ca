#pragma once

#include <authmilter/message.h>

#include <cstddef>
#include <vector>

namespace authmilter {

/// Keeps a message's header up to HeaderLimits. Once one of them is exceeded nothing more is kept,
/// so the memory a sender can take is bounded.
class HeaderGuard {
 public:
  explicit HeaderGuard(const HeaderLimits& limits) : limits_(limits) {}

  /// False when a limit is exceeded, by this field or an earlier one.
  bool add(const HeaderField& field) {
    const std::size_t octets = field.name.size() + field.value.size() + 3;  // colon and CRLF
    total_octets_ += octets;
    exceeded_ = exceeded_ || fields_.size() >= limits_.fields || octets > limits_.field_octets ||
                total_octets_ > limits_.total_octets;
    if (!exceeded_) fields_.push_back(field);
    return !exceeded_;
  }

  bool exceeded() const { return exceeded_; }
  const std::vector<HeaderField>& fields() const { return fields_; }

 private:
  HeaderLimits limits_;
  std::vector<HeaderField> fields_;
  std::size_t total_octets_ = 0;
  bool exceeded_ = false;
};

}  // namespace authmilter
