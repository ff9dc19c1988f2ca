#pragma once

#include <cstdint>
#include <string_view>

namespace authmilter {

/// Why evaluate_dmarc() came to its result. The words are stable: policies, logs and people match
/// on them. A result has no reason outside its row; a temperror by the DNS has the word of its
/// fault instead (temperror_reason()).
///
///   result     word                          meaning
///   pass       aligned-spf                   SPF's identifier aligns and passed
///              aligned-dkim                  at least one DKIM identifier does
///              aligned-spf-and-dkim          both
///   fail       no-aligned-identifier         a record applies, nothing that passed aligns
///   none       no-record                     the walk found no record that applies
///              no-usable-policy              the record has no valid policy and no `rua`
///              single-label-domain           nobody publishes a policy for such a name
///   temperror  aligned-identifier-temperror  SPF or DKIM of an aligned identifier had one
///              identifier-limit              too many identifiers that need a walk each
///              internal-error                libopendmarc refused what it must accept
///   permerror  unusable-author-domain        the name cannot take the `_dmarc.` prefix
enum class DmarcReason : std::uint8_t {
  aligned_spf,
  aligned_dkim,
  aligned_spf_and_dkim,
  no_aligned_identifier,
  no_record,
  no_usable_policy,
  single_label_domain,
  aligned_identifier_temperror,
  identifier_limit,
  internal_error,
  unusable_author_domain,
};
std::string_view to_string(DmarcReason reason);

}  // namespace authmilter
