#pragma once

#include <string>
#include <vector>

#include <authmilter/pkcs11_uri.h>

#include "token/key_object.h"
#include "token/pin_reader.h"
#include "token/pkcs11.h"

namespace authmilter {

struct Slot {
  CK_FUNCTION_LIST* library = nullptr;
  CK_SLOT_ID id = 0;
};

/// The slot with the token that `uri` names. `away`: no such token is there; `refused`: several.
TokenResult<Slot> find_slot(const std::vector<CK_FUNCTION_LIST*>& libraries, const Pkcs11Uri& uri);

TokenResult<SessionPlace> open_session(const Slot& slot);

/// Logs in as the user, once for all sessions of this process. Not with a PIN whose version is
/// `refused_version`, nor where one more wrong PIN would lock the token: who knows the PIN has to
/// log in first by other means, which clears the count.
TokenResult<Done> log_in(const Slot& slot, const SessionPlace& place, const Pkcs11Uri& uri,
                         const PinReader& read_pin, std::string& refused_version);

}  // namespace authmilter
