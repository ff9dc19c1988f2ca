#include "verify/own_decisions.h"

#include <authmilter/dmarc.h>

#include <algorithm>

#include "base/ascii.h"

namespace authmilter {
namespace {

bool met_overload(const std::vector<RecordingResolver::Entry>& lookups) {
  return std::any_of(lookups.begin(), lookups.end(), [](const RecordingResolver::Entry& entry) {
    return entry.answer->fault == DnsFault::overload;
  });
}

/// RFC 7208 section 5.5: a name of the client that cannot be learned is passed over as if there
/// were none, so that SPF may fail without it where it would have passed.
bool may_lack_a_client_name(const std::vector<RecordingResolver::Entry>& lookups) {
  return std::any_of(lookups.begin(), lookups.end(), [](const RecordingResolver::Entry& entry) {
    return entry.answer->fault == DnsFault::overload && entry.question.type != RrType::txt;
  });
}

/// An author that is proven is so without the answers that are missing, and a refusal that the rest
/// would not undo stands.
bool stands_without_more_answers(const Decision& decision, const Findings& findings,
                                 const std::vector<RecordingResolver::Entry>& lookups) {
  if (findings.dmarc.result == DmarcResult::pass) return true;
  return findings.dmarc.result == DmarcResult::fail && !may_lack_a_client_name(lookups) &&
         (decision.disposition == Disposition::reject ||
          decision.disposition == Disposition::discard);
}

}  // namespace

bool needs_missing_answers(const Decision& decision, const Findings& findings,
                           const std::vector<RecordingResolver::Entry>& lookups) {
  return met_overload(lookups) && !stands_without_more_answers(decision, findings, lookups);
}

Decision overloaded() {
  return {.disposition = Disposition::tempfail,
          .rule = Rule::limit_dns,
          .by_override = {},
          .reason = "too many DNS look-ups are under way: " +
                    std::string(temperror_reason(DnsFault::overload)),
          .reply = SmtpReply{451, "4.3.2", "Too many DNS look-ups are under way, try again later"}};
}

Decision unsealable(const std::string& fault) {
  return {.disposition = Disposition::tempfail,
          .rule = Rule::arc_seal,
          .by_override = {},
          .reason = "cannot be sealed: " + printable(fault),
          .reply = SmtpReply{451, "4.7.5", "Message cannot be sealed for now, try again later"}};
}

Decision header_too_large(const std::string& excess) {
  return {.disposition = Disposition::reject,
          .rule = Rule::limit_header,
          .by_override = {},
          .reason = Reason<DmarcReason>(DmarcReason::header_limit_exceeded, excess).text(),
          .reply = SmtpReply{552, "5.3.4",
                             "Message header exceeds the limits of this server: " + excess}};
}

}  // namespace authmilter
