#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <authmilter/dmarc.h>
#include <authmilter/domain_name.h>

namespace authmilter {

/// What libopendmarc is told of a message: the outcome of discovery and alignment, in words that it
/// reads as RFC 9989 means them.
struct OpendmarcInput {
  DomainName author_domain;
  AssessmentPolicy policy;                  // that applies
  bool spf_aligned = false;                 // by a pass
  std::vector<std::string> dkim_selectors;  // of aligned signatures that passed; may be empty text
  std::vector<std::string> rua, ruf;        // checked `mailto:` URIs
};

struct OpendmarcVerdict {
  bool pass = false;
  AssessmentPolicy policy = AssessmentPolicy::none;  // unless it passes
  std::vector<std::string> rua, ruf;                 // as the library read them
};

/// True for names that the library may be given. RFC 9989 takes some that are outside of it; no
/// mail comes from those.
bool opendmarc_accepts(const DomainName& domain);

/// Asks libopendmarc for its verdict. Nothing when it refuses its input or has no memory, which
/// must not be read as any verdict. Thread-safe.
std::optional<OpendmarcVerdict> ask_opendmarc(const OpendmarcInput& input);

}  // namespace authmilter
