#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include <authmilter/domain_name.h>
#include <authmilter/message.h>

namespace authmilter {

/// A domain of the configuration: "example.org" is that name alone, "*.example.org" every name
/// below it.
struct DomainPattern {
  DomainName domain;
  bool below = false;

  static std::optional<DomainPattern> parse(std::string_view text);
  std::string text() const;
  bool matches(const std::optional<DomainName>& name) const;
  auto operator<=>(const DomainPattern&) const = default;
};

/// A path of the configuration: an address, "@domain", a domain as above, or "<>", the null
/// reverse-path.
struct AddressPattern {
  std::optional<DomainPattern> domain;    // nothing: "<>"
  std::optional<std::string> local_part;  // what it means; "" in "@domain", which any matches

  /// The grammar that reads the envelope decides, so that a pattern can match.
  static std::optional<AddressPattern> parse(std::string_view text);
  std::string text() const;
  bool is_null() const { return !domain; }
  /// One mailbox, of a local part that is given.
  bool is_mailbox() const { return local_part && !local_part->empty(); }
  /// Local parts are compared by what they mean, and without regard to ASCII case, as MTAs' tables
  /// do: RFC 5321 section 2.4 leaves case to the host that owns the mailbox, and none is known to
  /// tell two apart by it.
  bool matches(const ReversePath& path) const;
  auto operator<=>(const AddressPattern&) const = default;
};

}  // namespace authmilter
