#include "protocol/answer.h"

#include <string_view>

namespace authmilter {
namespace {

// Newer versions of Postfix write it into their log, and Sendmail keeps it in the queue file.
constexpr std::size_t kQuarantineReasonOctets = 120;
constexpr std::string_view kCut = "...";

std::string shortened(const std::string& text, std::size_t octets) {
  if (text.size() <= octets) return text;
  return text.substr(0, octets - kCut.size()).append(kCut);
}

bool goes_on(Disposition action) {
  return action == Disposition::accept || action == Disposition::tag ||
         action == Disposition::quarantine;
}

Answer answer_to_failure() {
  Answer answer;
  answer.action = Disposition::tempfail;
  // RFC 3463 section 3.4: X.3.0, other or undefined mail system status.
  answer.reply = SmtpReply{451, "4.3.0", "Internal error, try again later"};
  return answer;
}

Answer answer_to_refusal(const TlsRefusal& refusal) {
  Answer answer;
  answer.action = Disposition::reject;
  answer.reply = refusal.reply;
  return answer;
}

Answer answer_to_verdict(const MessageVerdict& verdict) {
  Answer answer;
  answer.action = verdict.disposition;
  if (!goes_on(answer.action)) {
    answer.reply = verdict.decision.reply;
    return answer;
  }
  answer.edits = verdict.edits;
  if (answer.action == Disposition::quarantine)
    answer.quarantine_reason = shortened(verdict.decision.reason, kQuarantineReasonOctets);
  return answer;
}

Answer answer_to_signing(const SigningOutcome& signing) {
  if (signing.failed) return answer_to_failure();
  Answer answer;
  if (signing.refusal) {
    answer.action = Disposition::reject;
    answer.reply = signing.refusal;
    return answer;
  }
  answer.action = Disposition::accept;
  answer.edits = signing.edits;
  return answer;
}

}  // namespace

Answer answer_to(const MessageRecord& record) {
  if (record.changes_failed) return answer_to_failure();
  if (const auto* refusal = record.refusal()) return answer_to_refusal(*refusal);
  if (const auto* verdict = record.verdict()) return answer_to_verdict(*verdict);
  if (const auto* signing = record.signing()) return answer_to_signing(*signing);
  return answer_to_failure();
}

}  // namespace authmilter
