#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dns_name.h>
#include <authmilter/domain_name.h>
#include <authmilter/ip_address.h>

namespace authmilter::spf {

/// A text with SPF macros (RFC 7208 section 7), parsed once and expanded as often as needed.
class MacroString {
 public:
  /// One literal, or one macro when `letter` is set.
  struct Piece {
    std::string literal;
    char letter = 0;      // in lower case
    bool escape = false;  // an upper-case letter: URL-escape the value
    unsigned keep = 0;    // right-hand parts to keep; 0: all
    bool reverse = false;
    std::string delimiters;  // empty: none given
    bool transforms() const { return keep != 0 || reverse || !delimiters.empty(); }
  };

  const std::vector<Piece>& pieces() const { return pieces_; }
  /// Whether %{l} or %{s} occurs.
  bool uses_local_part() const;

 private:
  friend class MacroParser;
  std::vector<Piece> pieces_;
};

/// RFC 7208 section 7.1. Nothing: a syntax error.
std::optional<MacroString> parse_domain_spec(std::string_view text);
/// The value of an unknown modifier (RFC 7208 section 6), which is checked and then ignored.
std::optional<MacroString> parse_modifier_value(std::string_view text);
/// The text of an explanation (RFC 7208 section 6.2): with blanks and the letters c, r and t.
std::optional<MacroString> parse_explanation(std::string_view text);

/// What the letters stand for (RFC 7208 section 7.2). Borrows everything.
struct MacroValues {
  std::string_view local_part;
  const DomainName& sender_domain;
  const DnsName& domain;  // of the record
  const IpAddress& client;
  std::string_view helo;
  std::string_view receiver;
  std::int64_t now;
  std::function<std::string()> validated_name;  // %{p}; called only where it occurs
};
std::string expand(const MacroString& text, const MacroValues& values);

/// The name to ask for: a trailing dot goes, left-hand labels go until 253 octets are left (RFC
/// 7208 section 7.3). Nothing when no query can be made of it, which is "no match" for a mechanism
/// and no record for include and redirect (RFC 7208 section 4.8 leaves it open).
std::optional<DnsName> target_name(std::string_view expanded);

}  // namespace authmilter::spf
