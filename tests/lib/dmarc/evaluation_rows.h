#pragma once

#include <authmilter/dmarc.h>
#include <authmilter/zone_resolver.h>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

/// Rows of the tables of evaluate_dmarc().
namespace authmilter::evaluation_test {

using Method = AuthenticatedIdentifier::Method;
using State = AuthenticatedIdentifier::State;
using Identifiers = std::vector<AuthenticatedIdentifier>;

inline DomainName name(std::string_view text) { return DomainName::parse(text).value(); }

inline AuthenticatedIdentifier spf(const char* domain, State state = State::pass) {
  return {Method::spf, name(domain), state, ""};
}
inline AuthenticatedIdentifier dkim(const char* domain, State state = State::pass) {
  return {Method::dkim, name(domain), state, "s1"};
}

inline DmarcOutcome evaluate(const DomainName& author, const Identifiers& identifiers,
                             Resolver& resolver) {
  auto discovery = discover_dmarc(author, resolver);
  return evaluate_dmarc(discovery, identifiers);
}

/// "fail no-aligned-identifier reject".
inline std::string verdict(const DmarcOutcome& outcome) {
  return std::string(to_string(outcome.result)) + " " + outcome.reason.text() + " " +
         std::string(to_string(outcome.policy));
}

struct Row {
  std::string why;
  const char* author;
  Identifiers identifiers;
  const char* zone;
  std::vector<ZoneFault> faults;
  const char* verdict;
};

template <class Rows>
void check(const Rows& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto resolver = make_test_resolver(row.zone, row.faults);
    CHECK(verdict(evaluate(name(row.author), row.identifiers, *resolver)) == row.verdict);
  }
}

inline constexpr const char* kReject = "_dmarc.example.com. TXT \"v=DMARC1; p=reject\"";
inline constexpr const char* kStrict =
    "_dmarc.example.com. TXT \"v=DMARC1; p=reject; adkim=s; aspf=s\"";
inline constexpr auto kTemperror = State::temperror;

}  // namespace authmilter::evaluation_test
