#include "protocol/answer.h"

#include <doctest/doctest.h>

#include <string>

#include "milter/records.h"

using namespace authmilter;

namespace {

MessageVerdict held(const std::string& reason) {
  MessageVerdict verdict = rejection();
  verdict.disposition = verdict.decision.disposition = Disposition::quarantine;
  verdict.decision.reason = reason;
  verdict.decision.reply.reset();
  verdict.edits = {{HeaderEdit::Action::insert, 0, "Authentication-Results", "mx; none"}};
  return verdict;
}

MessageRecord without_changes(MessageRecord record) {
  record.changes_failed = true;
  return record;
}

SigningOutcome failed() {
  SigningOutcome signing = signed_by({nullptr});
  signing.failed = true;
  return signing;
}

}  // namespace

TEST_CASE("the answer to the MTA is read from the record") {
  const struct {
    std::string why;
    MessageRecord record;
    Disposition action;
    unsigned code;  // 0: no reply
    std::size_t edits;
    std::string reason = {};
  } rows[] = {
      {"rejected: nobody sees the edits", record_of(rejection()), Disposition::reject, 550, 0},
      {"held", record_of(held("dmarc fail")), Disposition::quarantine, 0, 1, "dmarc fail"},
      {"held for a long reason", record_of(held(std::string(121, 'x'))), Disposition::quarantine, 0,
       1, std::string(117, 'x') + "..."},
      {"held for a reason that fits", record_of(held(std::string(120, 'x'))),
       Disposition::quarantine, 0, 1, std::string(120, 'x')},
      {"the MTA has not taken the changes", without_changes(record_of(held(""))),
       Disposition::tempfail, 451, 0},
      {"signed", record_of(signed_by({nullptr})), Disposition::accept, 0, 1},
      {"a key that cannot sign", record_of(failed()), Disposition::tempfail, 451, 0},
      {"refused at MAIL", record_of(TlsRefusal{{530, "5.7.10", "TLS first"}, ""}),
       Disposition::reject, 530, 0},
      {"we failed", record_of(InternalFailure{}), Disposition::tempfail, 451, 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Answer answer = answer_to(row.record);
    CHECK(answer.action == row.action);
    CHECK(answer.action == action_on(row.record));
    CHECK((answer.reply ? answer.reply->code : 0) == row.code);
    CHECK(answer.edits.size() == row.edits);
    CHECK(answer.quarantine_reason == row.reason);
  }
}
