#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <authmilter/dns_answer.h>

namespace authmilter {

/// Why a check came to its result: a word of its closed set `Word`, or the DNS's fault, and for
/// people what it is about. `Word` has an enumerator `none` of value 0, printed as nothing. The
/// words are stable: policies, logs and people match on them.
template <class Word>
class Reason {
 public:
  Reason() = default;
  /// `detail` is printed as it is: printable ASCII, of bounded length.
  Reason(Word code, std::string detail = {})  // NOLINT: implicit
      : code_(code), detail_(std::move(detail)) {}
  explicit Reason(DnsFault fault) : fault_(fault) {}

  /// `none` also where the DNS is the reason.
  Word code() const { return code_; }
  /// Of the DNS, where that is the reason.
  const std::optional<DnsFault>& fault() const { return fault_; }
  bool empty() const { return !fault_ && code_ == Word::none; }
  /// Without the detail, which a sender can have written: "term-too-long", "dns-timeout".
  std::string_view word() const { return fault_ ? temperror_reason(*fault_) : to_string(code_); }
  /// "syntax-error (unknown mechanism: foo)".
  std::string text() const {
    std::string text(word());
    return detail_.empty() ? text : text + " (" + detail_ + ")";
  }

  bool operator==(const Reason&) const = default;

 private:
  Word code_ = Word::none;
  std::optional<DnsFault> fault_;
  std::string detail_;
};

}  // namespace authmilter
