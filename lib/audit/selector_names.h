#pragma once

#include <optional>
#include <string_view>

#include <authmilter/domain_name.h>
#include <authmilter/selector.h>

namespace authmilter {

/// What keys are below (RFC 6376 section 3.6.2.1).
constexpr char kKeysBelow[] = "_domainkey";
/// A selector that nobody has: what answers for it answers for every one.
constexpr char kMadeUpSelector[] = "authmilter-wildcard-test";
/// Where the TLSA records of a mail host are (RFC 7672 section 2.1.3).
constexpr char kSmtpTlsa[] = "_25._tcp";

/// Where the key of a selector stands; nothing for what is not a selector.
inline std::optional<DomainName> key_name(std::string_view selector, const DomainName& domain) {
  const auto parsed = Selector::parse(selector);
  return parsed ? parsed->key_name(domain) : std::nullopt;
}

}  // namespace authmilter
