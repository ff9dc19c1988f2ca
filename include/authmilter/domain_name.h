#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace authmilter {

/// A domain name in the one form that is looked up, aligned, logged and printed:
/// lower-case A-labels, 1 to 253 octets, labels of 1 to 63 octets from
/// `a-z 0-9 - _`, none with a hyphen at either end, no trailing dot, and a last
/// label that is not all digits. Most published attacks on mail authentication
/// are two components reading the same bytes differently; one type ends that.
class DomainName {
 public:
  /// Takes any case, U-labels (UTF-8, converted by UTS 46 non-transitional; RFC 8616)
  /// and one trailing dot. Nothing for everything else.
  static std::optional<DomainName> parse(std::string_view text);

  const std::string& text() const { return text_; }
  std::size_t label_count() const;

  /// Without the leftmost label; nothing for a single label.
  std::optional<DomainName> parent() const;
  /// The last `labels` labels; the whole name when it has no more than that.
  DomainName rightmost(std::size_t labels) const;
  /// `prefix` + "." + this name, `prefix` being one or more labels as above ("_dmarc");
  /// nothing when the result is not a DomainName (too long, for example).
  std::optional<DomainName> below(std::string_view prefix) const;
  /// True for the name itself and for every name under it.
  bool is_equal_or_below(const DomainName& ancestor) const;

  auto operator<=>(const DomainName&) const = default;

 private:
  explicit DomainName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace authmilter
