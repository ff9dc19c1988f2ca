#pragma once

#include <libmilter/mfapi.h>

#include "protocol/answer.h"
#include "workarounds/negotiations.h"

namespace authmilter {

// How an answer reaches the MTA, at the end of a message.

/// The changes of the header, and that the message is to be held. False when libmilter did not take
/// one of them.
bool apply_changes(SMFICTX* ctx, const Answer& answer, const MtaFeatures& features);

/// Sets the reply, and says what a callback is to return.
sfsistat give(SMFICTX* ctx, const Answer& answer);

}  // namespace authmilter
