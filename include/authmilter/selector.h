#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/domain_name.h>
#include <authmilter/result.h>

namespace authmilter {

/// A DKIM selector (RFC 6376 section 3.1): labels as in a DomainName, but the last one may be all
/// digits, because it never ends a name: "20230601" is a selector and no domain.
class Selector {
 public:
  /// Takes what DomainName::parse takes, without a trailing dot.
  static std::optional<Selector> parse(std::string_view text);
  /// For what an administrator writes down: refuses the name of a whole key record too, which some
  /// programs call the selector. The error is a sentence.
  static Result<Selector> of_own_key(std::string_view text);
  Selector(const DomainName& name) : text_(name.text()) {}  // NOLINT: every DomainName is one

  const std::string& text() const { return text_; }
  /// Where the key of `domain` stands (RFC 6376 section 3.6.2.1); nothing when that is too long.
  std::optional<DomainName> key_name(const DomainName& domain) const;

  auto operator<=>(const Selector&) const = default;

 private:
  explicit Selector(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace authmilter
