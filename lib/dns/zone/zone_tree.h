#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <authmilter/zone_resolver.h>

#include "dns/zone/master_file.h"

namespace authmilter {

/// One name of the zones.
struct ZoneNode {
  bool has_records = false;  // false: an empty non-terminal, there because of a name below it
  std::map<RrType, DnsAnswerRef> answers;
  std::optional<std::chrono::seconds> negative_ttl;  // set at the apex of a zone: its SOA

  /// Null where there are no such records.
  DnsAnswerRef records(RrType type) const;
};

/// Names and their records. Immutable once built.
class ZoneTree {
 public:
  static Result<ZoneTree> build(const std::vector<ZoneFile>& files);

  struct Match {
    const ZoneNode* node = nullptr;  // null: there is no such name
    /// The time to keep a negative answer when the name is at or below an SOA record, which
    /// makes the zones the last word on it.
    std::optional<std::chrono::seconds> negative_ttl;
  };
  /// The node of a name: its own, or the wildcard that stands for it (RFC 4592).
  Match find(const DnsName& name) const;

 private:
  const ZoneNode* node(std::string_view name) const;

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<std::string, ZoneNode, TextHash, std::equal_to<>> nodes_;
};

}  // namespace authmilter
