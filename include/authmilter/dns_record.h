#pragma once

#include <cstdint>
#include <string_view>

#include <authmilter/dns_name.h>

namespace authmilter {

/// The record types that mail authentication asks for; the values are the wire's.
enum class RrType : std::uint16_t { a = 1, ptr = 12, mx = 15, txt = 16, aaaa = 28 };
std::string_view to_string(RrType type);

struct MxRecord {
  std::uint16_t preference = 0;
  DnsName exchange;  // the root name for a null MX (RFC 7505)
  bool operator==(const MxRecord&) const = default;
};

}  // namespace authmilter
