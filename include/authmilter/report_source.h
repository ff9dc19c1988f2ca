#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace authmilter {

struct ViewRow;

/// Who sends, by what an administrator recognises of it. Only to group and to show: names are
/// shortened by a rule of thumb, on which nothing may be decided.
struct ReportSource {
  enum class Kind : std::uint8_t {
    dkim,          // an aligned signature passes: the domain that signed
    spf,           // SPF passes: the domain of the envelope
    foreign_dkim,  // a signature passes, of another domain than the author's
    ptr,           // the name of the address
    network,       // nothing but the address: its /24 or /48
    rest,          // what has no place of its own
  };
  Kind kind = Kind::rest;
  std::string name;
  auto operator<=>(const ReportSource&) const = default;
};
/// As people read it: "DKIM", "SPF", "other DKIM", "name", "network", "others".
std::string_view to_string(ReportSource::Kind kind);

/// Names that the DNS gives for addresses, both as text.
using AddressNames = std::map<std::string, std::string, std::less<>>;

/// What is probably the registered part of a name: two labels, or three where the second to last is
/// a short one below a country ("example.co.uk").
std::string_view registrable_part(std::string_view name);

/// Whether a domain is, or may be, of the organization of another: one of them is above the other,
/// or both have one registrable part. Case is of the caller's making: lower.
bool of_one_organization(std::string_view a, std::string_view b);

/// The source of a row that something authenticates; nothing where only the address tells.
std::optional<ReportSource> authenticated_source(const ViewRow& row);

/// The source that an address stands for: its name's registrable part, where there is a name, or
/// its network. A text that is not an address is `rest`.
ReportSource address_source(std::string_view address, const AddressNames& names);

/// The network of an address, /24 or /48; empty for what is not an address.
std::string network_of(std::string_view address);

}  // namespace authmilter
