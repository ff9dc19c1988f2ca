#pragma once

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include <string>
#include <string_view>

#include <authmilter/result.h>
#include <authmilter/token_health.h>

namespace authmilter {

struct TokenError {
  TokenFault fault;
  std::string message;   // as Error's, without the name of the token
  CK_RV value = CKR_OK;  // that a call returned
};

template <class T>
using TokenResult = Result<T, TokenError>;

/// The error that a call's return value stands for: "C_Sign: The device was removed (0x32)".
TokenError error_of(std::string_view call, CK_RV value);

/// What a token fills with blanks to a fixed length (PKCS #11 section 3.2, CK_TOKEN_INFO and
/// others).
template <std::size_t Size>
std::string_view without_padding(const unsigned char (&text)[Size]) {
  return {reinterpret_cast<const char*>(text), p11_kit_space_strlen(text, Size)};
}

}  // namespace authmilter
