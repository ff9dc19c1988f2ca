#include "token/slot.h"

#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

bool says(const std::optional<std::string>& wanted, std::string_view said) {
  return !wanted || *wanted == said;
}

bool fits(const CK_INFO& library, const Pkcs11Uri& uri) {
  const auto& version = uri.library_version;
  return says(uri.library_manufacturer, without_padding(library.manufacturerID)) &&
         says(uri.library_description, without_padding(library.libraryDescription)) &&
         (!version || (version->first == library.libraryVersion.major &&
                       version->second == library.libraryVersion.minor));
}

bool fits(const CK_SLOT_INFO& slot, const Pkcs11Uri& uri) {
  return says(uri.slot_description, without_padding(slot.slotDescription)) &&
         says(uri.slot_manufacturer, without_padding(slot.manufacturerID));
}

bool fits(const CK_TOKEN_INFO& token, const Pkcs11Uri& uri) {
  return says(uri.token, without_padding(token.label)) &&
         says(uri.manufacturer, without_padding(token.manufacturerID)) &&
         says(uri.serial, without_padding(token.serialNumber)) &&
         says(uri.model, without_padding(token.model));
}

/// The slots that hold a token.
TokenResult<std::vector<CK_SLOT_ID>> slots_of(CK_FUNCTION_LIST* library) {
  CK_ULONG count = 0;
  // PKCS #11 section 5.5: asked for the number, a library looks anew.
  CK_RV value = library->C_GetSlotList(CK_TRUE, nullptr, &count);
  if (value != CKR_OK) return error_of("C_GetSlotList", value);
  std::vector<CK_SLOT_ID> slots(count);
  if (slots.empty()) return slots;
  value = library->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (value != CKR_OK) return error_of("C_GetSlotList", value);
  slots.resize(std::min<std::size_t>(slots.size(), count));
  return slots;
}

}  // namespace

TokenResult<Slot> find_slot(const std::vector<CK_FUNCTION_LIST*>& libraries, const Pkcs11Uri& uri) {
  std::optional<Slot> found;
  std::optional<TokenError> failed;
  std::string others;
  for (CK_FUNCTION_LIST* library : libraries) {
    CK_INFO about{};
    if (library->C_GetInfo(&about) != CKR_OK || !fits(about, uri)) continue;
    const auto slots = slots_of(library);
    if (!slots) {
      failed = slots.error();
      continue;
    }
    for (const CK_SLOT_ID id : *slots) {
      CK_SLOT_INFO slot{};
      CK_TOKEN_INFO token{};
      if (library->C_GetSlotInfo(id, &slot) != CKR_OK ||
          library->C_GetTokenInfo(id, &token) != CKR_OK ||
          (token.flags & CKF_TOKEN_INITIALIZED) == 0) {
        continue;
      }
      if (!fits(slot, uri) || !fits(token, uri) || (uri.slot_id && *uri.slot_id != id)) {
        others += fmt::format("{}\"{}\"", others.empty() ? "" : ", ",
                              printable(without_padding(token.label)));
        continue;
      }
      if (found)
        return TokenError{TokenFault::refused, "several tokens fit: add serial= to the URI"};
      found = {library, id};
    }
  }
  if (found) return *found;
  if (failed) return *failed;
  return TokenError{TokenFault::away,
                    "no such token is there (found: " + (others.empty() ? "none" : others) + ")"};
}

TokenResult<SessionPlace> open_session(const Slot& slot) {
  SessionPlace place{slot.library, 0};
  const CK_RV value =
      slot.library->C_OpenSession(slot.id, CKF_SERIAL_SESSION, nullptr, nullptr, &place.session);
  if (value != CKR_OK) return error_of("C_OpenSession", value);
  return place;
}

TokenResult<Done> log_in(const Slot& slot, const SessionPlace& place, const Pkcs11Uri& uri,
                         const PinReader& read_pin, std::string& refused_version) {
  if (!uri.pin_source) return Done{};
  CK_TOKEN_INFO token{};
  CK_RV value = slot.library->C_GetTokenInfo(slot.id, &token);
  if (value != CKR_OK) return error_of("C_GetTokenInfo", value);
  if ((token.flags & CKF_USER_PIN_LOCKED) != 0)
    return TokenError{TokenFault::refused, "the token is locked after wrong PINs"};
  if ((token.flags & CKF_USER_PIN_FINAL_TRY) != 0)
    return TokenError{TokenFault::refused,
                      "one more wrong PIN would lock the token: log in once by other means"};
  auto pin = read_pin(*uri.pin_source);
  if (!pin) return TokenError{TokenFault::refused, "pin-source: " + pin.error().message};
  if (!refused_version.empty() && pin->version == refused_version)
    return TokenError{TokenFault::refused,
                      "it has refused the PIN of pin-source, which is not tried again until it is "
                      "changed or the configuration is loaded again"};
  const auto octets = pin->text.octets();
  value = slot.library->C_Login(place.session, CKU_USER,
                                reinterpret_cast<unsigned char*>(octets.data()), octets.size());
  // One login counts for all sessions.
  if (value == CKR_OK || value == CKR_USER_ALREADY_LOGGED_IN) return Done{};
  const TokenError error = error_of("C_Login", value);
  if (error.fault == TokenFault::refused) refused_version = pin->version;
  return error;
}

}  // namespace authmilter
