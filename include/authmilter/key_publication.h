#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/domain_name.h>
#include <authmilter/result.h>
#include <authmilter/rotation.h>

namespace authmilter {

/// A change that the DNS needs for a key. `name` is where the record stands: in the signing domain,
/// or in the domain that it has been delegated to.
struct RecordChange {
  enum class Kind : std::uint8_t {
    publish,  // `text` as the only TXT record
    revoke,   // the same, `text` having an empty p=
    remove,   // no TXT record
    alias,    // once and for ever: a CNAME record that leads to `text`
  } kind;
  DomainName domain;
  Selector selector;
  DomainName name;
  std::string text;
  std::chrono::seconds ttl{0};
};
/// "publish", "revoke", "remove", "alias".
std::string_view to_string(RecordChange::Kind kind);

/// Where a new key's record is to stand, as KeyLife::place has it. An error where the name would be
/// too long.
Result<std::string> record_place(const DomainName& domain, const Selector& selector,
                                 const RotationConfig& config);

/// What the DNS needs now for a key of `keys`, by what was seen of it. With a delegation also the
/// alias of a key that has to be published: it may have been there for long. An error for a place
/// that is not the configuration's.
Result<std::vector<RecordChange>> record_changes(const KeyLife& key, const DomainKeys& keys,
                                                 const RotationConfig& config);
/// The same for all of them.
Result<std::vector<RecordChange>> record_changes(const DomainKeys& keys,
                                                 const RotationConfig& config);

/// A text in pieces of at most 255 octets (RFC 1035 section 3.3).
std::vector<std::string> txt_strings(std::string_view text);
/// For a master file (RFC 1035 section 5.1); what is to be removed or replaced is in comments. No
/// text of a change can end its string or its line, here and for nsupdate.
std::string zone_text(const std::vector<RecordChange>& changes);
/// For nsupdate(1): each change on its own, one line a record. An alias, which is of another's
/// zone, is a comment.
std::string nsupdate_text(const std::vector<RecordChange>& changes);

}  // namespace authmilter
