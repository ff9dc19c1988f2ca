#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/domain_name.h>

namespace authmilter {

/// A name as the DNS itself allows it: labels of 1 to 63 octets of any value, at most 253 octets in
/// text form, ASCII letters in lower case, no escapes. A `.` always separates labels. Wider than
/// DomainName because SPF macros (RFC 7208 section 7.3) and names found in MX and PTR records may
/// hold any octet; such a name is looked up and compared, never logged or printed as a domain. The
/// root name is the empty text.
class DnsName {
 public:
  DnsName() = default;  // the root
  static std::optional<DnsName> parse(std::string_view text);
  DnsName(const DomainName& name) : text_(name.text()) {}  // NOLINT: every DomainName is one

  const std::string& text() const { return text_; }
  bool is_root() const { return text_.empty(); }
  auto operator<=>(const DnsName&) const = default;

 private:
  explicit DnsName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace authmilter
