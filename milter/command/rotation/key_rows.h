#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <authmilter/config.h>
#include <authmilter/key_states.h>
#include <authmilter/resolver.h>

namespace authmilter::tools {

/// What `key status` says of a key.
struct KeyRow {
  std::string domain;
  std::string selector;
  std::string type;   // empty: not known, the key is in a token that is away
  unsigned bits = 0;  // 0: the same
  std::string state;
  std::int64_t since = 0;  // 0: not known
  std::string published;   // match, differs, missing or temperror
  unsigned servers = 0;    // that were asked by themselves; 0: the resolver only
  bool dnssec = false;
  std::int64_t last_used = 0;  // days since 1970; 0: not known
  std::string next;
  bool needs_person = false;
};

/// Of each key of a domain: from its state, or where it has none from what `resolver` finds. The
/// error is of the domain as a whole.
Result<std::vector<KeyRow>> key_rows(const Config& config, const SigningDomainConfig& domain,
                                     const KeyStateFiles& states, const KeyStateFiles::Uses& uses,
                                     Resolver& resolver, std::int64_t now);

std::string rows_as_text(const std::vector<KeyRow>& rows, std::int64_t now);
/// RFC 4180, with a line of names.
std::string rows_as_csv(const std::vector<KeyRow>& rows, std::int64_t now);

}  // namespace authmilter::tools
