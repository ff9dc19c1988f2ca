#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/crypto.h>
#include <authmilter/dkim.h>

#include "dkim/header_hash.h"
#include "dkim/line_endings.h"

namespace authmilter {

/// libopendkim, set up as parser, canonicalizer and hash engine: it never looks a key up, verifies
/// or signs. Immutable once built, so thread-safe.
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

/// The same for all of them: SignableHeader stands in.
std::vector<Sha256Digest> hash_headers(const DkimLibrary& library,
                                       const std::vector<MessageField>& fields,
                                       const std::vector<SignatureToHash>& signatures);

/// How many octets of the canonical body a signature covers (l=); nothing for all of it.
using BodyLimit = std::optional<std::uint64_t>;

struct BodyHash {
  Sha256Digest digest{};
  std::uint64_t octets = 0;  // of the canonical body, that were hashed
};

/// Hashes one body under one canonicalization, streaming in constant memory, once for each limit.
/// `library` must outlive it.
class BodyHasher {
 public:
  BodyHasher(const DkimLibrary& library, Canonicalization canonicalization,
             const std::vector<BodyLimit>& limits);
  ~BodyHasher();
  BodyHasher(BodyHasher&&) noexcept;
  BodyHasher& operator=(BodyHasher&&) noexcept;

  /// Octets as the MTA hands them over, split anywhere.
  void update(std::string_view octets);
  /// In the order of the limits; the first one must be none. A limit beyond the end of the body has
  /// no hash. Nothing when the library failed.
  std::optional<std::vector<BodyHash>> finish();
  /// False when the body has a bare CR that makes the hash another than RFC 6376's. Meaningful
  /// after finish().
  bool exact() const { return lines_.exact(); }

 private:
  std::unique_ptr<HashSession> session_;
  LineEndings lines_;
};

}  // namespace authmilter
