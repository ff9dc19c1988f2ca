#include "token/pkcs11.h"

#include <fmt/format.h>

namespace authmilter {
namespace {

/// What a return value says about. Whatever is not named here may be over the next time.
TokenFault fault_of(CK_RV value) {
  switch (value) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_EXPIRED:
    case CKR_PIN_LOCKED:
    case CKR_USER_PIN_NOT_INITIALIZED:
      return TokenFault::refused;
    case CKR_MECHANISM_INVALID:
    case CKR_MECHANISM_PARAM_INVALID:
    case CKR_KEY_TYPE_INCONSISTENT:
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
    case CKR_KEY_SIZE_RANGE:
      return TokenFault::key;
    default:
      return TokenFault::away;
  }
}

}  // namespace

TokenError error_of(std::string_view call, CK_RV value) {
  return {fault_of(value), fmt::format("{}: {} ({:#x})", call, p11_kit_strerror(value), value),
          value};
}

}  // namespace authmilter
