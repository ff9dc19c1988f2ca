#pragma once

#include <string>
#include <utility>
#include <vector>

#include <authmilter/audit.h>

#include "base/ascii.h"

namespace authmilter {

using Verdicts = std::vector<Verdict>;

inline Verdicts passes(std::string evidence, std::string subject = {}) {
  return {{CheckStatus::pass, std::move(subject), std::move(evidence), {}}};
}
inline Verdicts one_verdict(CheckStatus status, std::string evidence, std::string remedy,
                            std::string subject = {}) {
  return {{status, std::move(subject), std::move(evidence), std::move(remedy)}};
}

/// "TXT of example.org".
inline std::string told(const DnsQuestion& question) {
  return std::string(to_string(question.type)) + " of " + printable(question.name.text());
}

/// Nobody can say: the DNS did not answer.
inline Verdict undecided(const FailedLookup& failed, std::string subject = {}) {
  const bool bogus = failed.fault == DnsFault::bogus;
  return {CheckStatus::unknown, std::move(subject),
          "the DNS gave no answer for " + told(failed.question) + " (" +
              std::string(temperror_reason(failed.fault)) + ")",
          bogus ? "Mend the zone's DNSSEC signatures: resolvers that validate refuse its answers."
                : "Try again; if it stays so, look at the zone's name servers."};
}

/// A record for evidence.
inline std::string in_quotes(std::string_view text) { return "\"" + printable(text, 400) + "\""; }

}  // namespace authmilter
