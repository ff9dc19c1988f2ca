#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <authmilter/crypto.h>

#include "signature/header_hash.h"

namespace authmilter {

/// libopendkim as the second opinion on our canonical forms, at start-up and in the tests: it never
/// sees a message that somebody sent, looks a key up, verifies or signs. Immutable once built, so
/// thread-safe.
class DkimLibrary {
 public:
  DkimLibrary();
  ~DkimLibrary();
  DkimLibrary(const DkimLibrary&) = delete;
  DkimLibrary& operator=(const DkimLibrary&) = delete;

 private:
  friend class HashSession;
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

/// One handle of the library at work.
class HashSession;

/// The header hash of each signature (RFC 6376 section 3.7) as libopendkim makes it; nothing for
/// those that it does not take, and for all where it would take too long. `fields` are those of the
/// message, in order.
std::vector<std::optional<Sha256Digest>> library_header_hashes(
    const DkimLibrary& library, const std::vector<MessageField>& fields,
    const std::vector<SignatureToHash>& signatures);

/// The hash of a body as libopendkim makes it, to compare with BodyHasher's: a body with CRLF line
/// ends, the last line ended, and no bare CR. Nothing when the library failed.
std::optional<Sha256Digest> library_body_hash(const DkimLibrary& library,
                                              Canonicalization canonicalization,
                                              std::string_view body);

}  // namespace authmilter
