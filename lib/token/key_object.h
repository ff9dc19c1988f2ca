#pragma once

#include <memory>
#include <optional>
#include <string>

#include <authmilter/crypto.h>
#include <authmilter/pkcs11_uri.h>

#include "token/pkcs11.h"

namespace authmilter {

/// The public half of a key in a token: what never changes of it.
struct PublicHalf {
  std::shared_ptr<const PublicKey> key;
  Octets dns;  // `p=` of the record, decoded
};

/// A session of a library's, for one thread; borrowed.
struct SessionPlace {
  CK_FUNCTION_LIST* library = nullptr;
  CK_SESSION_HANDLE session = 0;
};

/// The private key that `uri` names; `key`: there is none, or more than one.
TokenResult<CK_OBJECT_HANDLE> find_private_key(const SessionPlace& place, const Pkcs11Uri& uri);

/// From the private key's object, or the public one beside it: of an Ed25519 key that has the
/// point. `key`: neither RSA nor Ed25519, or the half cannot be had.
TokenResult<PublicHalf> public_half(const SessionPlace& place, CK_OBJECT_HANDLE private_key,
                                    const Pkcs11Uri& uri);

/// The two halves of a signature as PrivateKey::sign_sha256() gives it.
TokenResult<Done> begin_to_sign(const SessionPlace& place, CK_OBJECT_HANDLE private_key,
                                KeyType type);
TokenResult<Octets> sign(const SessionPlace& place, KeyType type, const Sha256Digest& digest);

}  // namespace authmilter
