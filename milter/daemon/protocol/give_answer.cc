#include "protocol/give_answer.h"

#include <string>
#include <string_view>

#include "workarounds/packets.h"

namespace authmilter {
namespace {

/// A text as it may stand in a reply packet: nothing in it can end a header field. Lines continue
/// with LF and a blank.
std::string wire_text(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool fold =
        out[i] == '\n' && i + 1 < out.size() && (out[i + 1] == ' ' || out[i + 1] == '\t');
    if (out[i] == '\0' || out[i] == '\r' || (out[i] == '\n' && !fold)) out[i] = '?';
  }
  return out;
}

bool apply_edit(SMFICTX* ctx, const HeaderEdit& edit, const MtaFeatures& features) {
  // What is removed has the name that the MTA knows it by, whatever that holds.
  std::string name = edit.action == HeaderEdit::Action::remove ? edit.name : wire_text(edit.name);
  // With the option the MTA puts no blank after the colon: "the MTA does not add a leading space to
  // headers that are added, inserted, or replaced".
  std::string value = (features.leading_space ? " " : "") + wire_text(edit.value);
  const int index = static_cast<int>(edit.index);  // bounded by HeaderLimits
  switch (edit.action) {
    case HeaderEdit::Action::insert:
      return smfi_insheader(ctx, index, name.data(), value.data()) == MI_SUCCESS;
    case HeaderEdit::Action::replace:
      return smfi_chgheader(ctx, name.data(), index, value.data()) == MI_SUCCESS;
    case HeaderEdit::Action::remove:
      return smfi_chgheader(ctx, name.data(), index, nullptr) == MI_SUCCESS;
  }
  return false;
}

void set_reply(SMFICTX* ctx, const SmtpReply& reply) {
  std::string code = std::to_string(reply.code);
  std::string enhanced = reply.enhanced;
  std::string text = wire_text(reply.text);
  // When libmilter does not like it the MTA says something general.
  smfi_setreply(ctx, code.data(), enhanced.empty() ? nullptr : enhanced.data(), text.data());
}

}  // namespace

bool apply_changes(SMFICTX* ctx, const Answer& answer, const MtaFeatures& features) {
  PacketBatch batch;
  for (const HeaderEdit& edit : answer.edits) {
    if (!apply_edit(ctx, edit, features)) return false;
  }
  if (answer.action == Disposition::quarantine) {
    std::string reason = wire_text(answer.quarantine_reason);
    if (reason.empty()) reason = "authmilter";
    if (smfi_quarantine(ctx, reason.data()) != MI_SUCCESS) return false;
  }
  return batch.send();
}

sfsistat give(SMFICTX* ctx, const Answer& answer) {
  if (answer.reply) set_reply(ctx, *answer.reply);
  switch (answer.action) {
    case Disposition::accept:
    case Disposition::tag:
    case Disposition::quarantine:
      return SMFIS_CONTINUE;
    case Disposition::reject:
      return SMFIS_REJECT;
    case Disposition::tempfail:
      return SMFIS_TEMPFAIL;
    case Disposition::discard:
      return SMFIS_DISCARD;
  }
  return SMFIS_TEMPFAIL;
}

}  // namespace authmilter
