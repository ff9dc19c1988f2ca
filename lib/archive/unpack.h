#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include <authmilter/result.h>

#include "base/octet_source.h"

namespace authmilter {

enum class Packing : std::uint8_t { none, gzip, zip };
/// By the first four octets; a file's name and its declared type are only claims.
Packing packing_of(std::string_view first);

/// What may still come out of one file, through all that is nested in it. What an archive says of
/// its sizes counts for nothing.
struct UnpackBudget {
  std::uint64_t octets = 0;
  std::size_t members = 0;
  std::size_t nesting = 3;  // "report.xml.gz" in a zip is two
};

/// For a file of so many octets: `most`, or less where it is so small that no honest file unpacks
/// to that.
UnpackBudget unpack_budget(std::uint64_t packed, std::uint64_t most, std::uint64_t most_ratio,
                           std::size_t members);

/// What is said where more comes out; nothing more does then.
Error too_much(UnpackBudget& budget);

/// Takes one member; how it fares is its own affair.
using TakeMember = std::function<void(OctetSource& member)>;

/// Hands what is packed in `source` to `take`, one member after the other, and what is packed in
/// those again; what is not packed at all is handed on as it is. Nothing is held in memory but a
/// piece. Errors of what is inside of a member come from its source; `unpack` itself returns those
/// of the archive, after the members that could be read.
///
/// Of gzip, all members are one text (RFC 1952 section 2.2), and each has its CRC and length
/// checked; zeros and other octets behind the last are not looked at. Of a zip, files that are
/// deflated or stored are taken.
Status unpack(OctetSource& source, UnpackBudget& budget, const TakeMember& take);

}  // namespace authmilter
