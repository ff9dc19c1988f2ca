#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/dns_answer.h>
#include <authmilter/ip_address.h>
#include <authmilter/result.h>
#include <authmilter/spf.h>

#include "spf/macro.h"

namespace authmilter::spf {

enum class Mechanism : std::uint8_t { all, include, a, mx, ptr, ip4, ip6, exists };

/// A directive of a record (RFC 7208 section 4.6.1): qualifier and mechanism.
struct Term {
  std::string text;  // as published
  SpfResult qualifier = SpfResult::pass;
  Mechanism mechanism = Mechanism::all;
  std::optional<MacroString> domain_spec;  // nothing: the record's own domain
  unsigned prefix4 = 32;
  unsigned prefix6 = 128;
  std::array<std::uint8_t, 16> network{};  // ip4 (4 octets) and ip6

  /// RFC 7208 section 4.6.4: include, a, mx, ptr and exists.
  bool costs_lookup() const;
  /// For all, ip4 and ip6: whether it matches, which needs no lookup.
  bool matches(const IpAddress& client) const;
  /// The CIDR length that applies to the client's family.
  unsigned prefix(const IpAddress& client) const { return client.is_v4() ? prefix4 : prefix6; }
};

struct Modifier {
  std::string text;  // as published
  MacroString domain_spec;
};

struct Record {
  std::vector<Term> terms;
  std::optional<Modifier> redirect;
  std::optional<Modifier> explanation;
};

/// RFC 7208 section 4.5: whether a TXT record is an SPF record at all.
bool is_spf_record(std::string_view text);

/// Of a record, and of one term in it (RFC 7208 section 3.4 names no limit).
constexpr std::size_t kRecordOctets = 8192;
constexpr std::size_t kTermOctets = 512;

/// Parses an SPF record strictly (RFC 7208 sections 4.6.1 and 12). Any error anywhere is a
/// permerror; the error is its reason, "syntax-error (unknown mechanism: foo)".
Result<Record, Reason<SpfReason>> parse_record(std::string_view text);

/// What the TXT records of a name come to (RFC 7208 section 4.5).
struct PublishedRecord {
  /// Nothing where there is no SPF record; the reason of a permerror where there are several, or
  /// one that is wrong.
  std::optional<Result<Record, Reason<SpfReason>>> record;

  static PublishedRecord parse(const DnsAnswer& answer);
  std::size_t octets() const;
};

}  // namespace authmilter::spf
