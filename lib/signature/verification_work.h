#pragma once

#include <authmilter/crypto.h>

namespace authmilter {

/// What a verification takes: it grows with the square of the key's length.
inline unsigned verification_work(const PublicKey& key) {
  const unsigned kilobits = (key.bits() + 1023) / 1024;
  return kilobits * kilobits;
}

}  // namespace authmilter
