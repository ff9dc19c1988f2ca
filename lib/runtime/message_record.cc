#include <authmilter/message_record.h>

namespace authmilter {

Disposition action_on(const MessageRecord& record) {
  if (record.changes_failed) return Disposition::tempfail;
  if (record.refusal() != nullptr) return Disposition::reject;
  if (const auto* verdict = record.verdict()) return verdict->disposition;
  if (const auto* signing = record.signing()) {
    if (signing->failed) return Disposition::tempfail;
    return signing->refusal ? Disposition::reject : Disposition::accept;
  }
  return Disposition::tempfail;
}

}  // namespace authmilter
