#include "archive/unpack.h"

#include <algorithm>

#include "archive/gzip.h"
#include "archive/zip.h"

namespace authmilter {
namespace {

/// Enough for every packing's magic number.
constexpr std::size_t kMagicOctets = 4;
/// So much comes out of the smallest file.
constexpr std::uint64_t kAlwaysOctets = 16U << 20U;

}  // namespace

Packing packing_of(std::string_view first) {
  if (first.starts_with("\x1f\x8b")) return Packing::gzip;
  using namespace std::string_view_literals;
  // A file's local header, or the end of a zip that holds none.
  if (first.starts_with("PK\x03\x04"sv) || first.starts_with("PK\x05\x06"sv)) return Packing::zip;
  return Packing::none;
}

UnpackBudget unpack_budget(std::uint64_t packed, std::uint64_t most, std::uint64_t most_ratio,
                           std::size_t members) {
  return {.octets = std::min(most, std::max(kAlwaysOctets, packed * most_ratio)),
          .members = members};
}

Error too_much(UnpackBudget& budget) {
  budget.octets = 0;
  return Error{"it unpacks to more than is allowed"};
}

Status unpack(OctetSource& source, UnpackBudget& budget, const TakeMember& take) {
  PeekedSource peeked(source);
  const auto first = peeked.first(kMagicOctets);
  if (!first) return first.error();
  const Packing packing = packing_of(*first);
  if (packing == Packing::none) {
    take(peeked);
    return Done{};
  }
  // The recursion is no deeper than this.
  if (budget.nesting == 0) return Error{"archives are nested too deeply in it"};
  --budget.nesting;
  Status status = Done{};
  if (packing == Packing::gzip) {
    GzipSource member(peeked, budget);
    status = unpack(member, budget, take);
  } else {
    ZipReader zip(peeked, budget);
    for (;;) {
      const auto member = zip.next_member();
      if (!member) status = member.error();
      if (!member || *member == nullptr) break;
      status = unpack(**member, budget, take);
      if (!status) break;
    }
  }
  ++budget.nesting;
  return status;
}

}  // namespace authmilter
