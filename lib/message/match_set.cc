#include <authmilter/match_set.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "base/ascii.h"

namespace authmilter {
namespace {

/// What a hash is of, so that one is seldom taken for another.
enum class Kind : std::uint8_t { name, below, mailbox, null_path };

std::size_t hash_of(Kind kind, std::string_view text) {
  return std::hash<std::string_view>()(text) + static_cast<std::size_t>(kind);
}

std::size_t mailbox_hash(std::string_view local_part, const DomainName& domain) {
  // RFC 5321 section 2.4 leaves case to the host; patterns do not regard it.
  return hash_of(Kind::mailbox, to_lower(local_part) + "@" + domain.text());
}

}  // namespace

HashIndex::HashIndex(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::sort(entries_.begin(), entries_.end());
  entries_.shrink_to_fit();
}

std::vector<HashIndex::Entry>::const_iterator HashIndex::first_of(std::size_t hash) const {
  return std::lower_bound(entries_.begin(), entries_.end(), Entry(hash, 0));
}

std::size_t match_hash(const DomainPattern& pattern) {
  return hash_of(pattern.below ? Kind::below : Kind::name, pattern.domain.text());
}

std::size_t match_hash(const AddressPattern& pattern) {
  if (pattern.is_null()) return hash_of(Kind::null_path, "");
  return pattern.is_mailbox() ? mailbox_hash(*pattern.local_part, pattern.domain->domain)
                              : match_hash(*pattern.domain);
}

std::vector<std::size_t> match_hashes(const std::optional<DomainName>& name) {
  if (!name) return {};
  std::string_view text = name->text();
  std::vector<std::size_t> hashes = {hash_of(Kind::name, text)};
  for (std::size_t dot; (dot = text.find('.')) != std::string_view::npos;) {
    text.remove_prefix(dot + 1);
    hashes.push_back(hash_of(Kind::below, text));
  }
  return hashes;
}

std::vector<std::size_t> match_hashes(const ReversePath& path) {
  auto hashes = match_hashes(path.domain);
  if (path.null) hashes.push_back(hash_of(Kind::null_path, ""));
  if (path.domain) hashes.push_back(mailbox_hash(path.local_part, *path.domain));
  return hashes;
}

}  // namespace authmilter
