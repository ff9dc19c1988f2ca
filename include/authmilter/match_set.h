#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/message.h>
#include <authmilter/pattern.h>

namespace authmilter {

/// Numbers under hashes. Two keys may share a hash: whoever asks compares what is found.
class HashIndex {
 public:
  using Entry = std::pair<std::size_t, std::uint32_t>;

  HashIndex() = default;
  explicit HashIndex(std::vector<Entry> entries);

  /// Calls `take` with each number that stands under `hash`.
  template <class Take>
  void find(std::size_t hash, Take take) const {
    for (auto at = first_of(hash); at != entries_.end() && at->first == hash; ++at)
      take(at->second);
  }

 private:
  std::vector<Entry>::const_iterator first_of(std::size_t hash) const;
  std::vector<Entry> entries_;  // ascending
};

/// What a pattern matches by: its own hash is among those of all that it matches, of which there is
/// one for each label of a name.
std::size_t match_hash(const DomainPattern& pattern);
std::size_t match_hash(const AddressPattern& pattern);
std::vector<std::size_t> match_hashes(const std::optional<DomainName>& name);
std::vector<std::size_t> match_hashes(const ReversePath& path);

/// Patterns in the order in which they were written. Whether one of them matches is found
/// by hashing, however many there are. Immutable.
template <class Member>
class MatchSet {
 public:
  MatchSet() = default;
  MatchSet(std::vector<Member> members) : members_(std::move(members)) {  // NOLINT: the same list
    if (members_.size() <= kFew) return;
    std::vector<HashIndex::Entry> entries;
    entries.reserve(members_.size());
    for (std::uint32_t place = 0; place < members_.size(); ++place)
      entries.emplace_back(match_hash(members_[place]), place);
    index_ = HashIndex(std::move(entries));
  }
  MatchSet(std::initializer_list<Member> members) : MatchSet(std::vector<Member>(members)) {}

  /// Of an optional DomainName, or of a ReversePath, as the member's matches().
  template <class Subject>
  bool matches(const Subject& subject) const {
    if (members_.size() <= kFew) {
      for (const Member& member : members_) {
        if (member.matches(subject)) return true;
      }
      return false;
    }
    bool matched = false;
    for (const std::size_t hash : match_hashes(subject)) {
      index_.find(hash, [&](std::uint32_t place) {
        matched = matched || members_[place].matches(subject);
      });
      if (matched) return true;
    }
    return false;
  }

  bool empty() const { return members_.empty(); }
  std::size_t size() const { return members_.size(); }
  auto begin() const { return members_.begin(); }
  auto end() const { return members_.end(); }
  const Member& operator[](std::size_t place) const { return members_[place]; }
  bool operator==(const MatchSet& other) const { return members_ == other.members_; }

 private:
  static constexpr std::size_t kFew = 4;  // are looked at one by one
  std::vector<Member> members_;
  HashIndex index_;
};

using DomainPatternSet = MatchSet<DomainPattern>;
using AddressPatternSet = MatchSet<AddressPattern>;

}  // namespace authmilter
