#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/arc.h>
#include <authmilter/message.h>
#include <authmilter/result.h>
#include <authmilter/signing_key.h>

namespace authmilter {

/// How the tags of a new field are written. The instance stands first, as the grammar of RFC 8617
/// section 4.1 has it, and lines are folded; or they stand in alphabetical order on one line, as
/// the public suite tells every octet.
enum class ArcLayout : std::uint8_t { instance_first, alphabetical };

/// RFC 6376 section 5.4.1, and DKIM-Signature (RFC 8617 section 4.1.2).
std::vector<std::string> default_sealed_headers();

struct ArcSealOptions {
  /// Lower case; every instance that the message has is covered. Never fields of a chain or
  /// results, which RFC 8617 section 4.1.2 forbids.
  std::vector<std::string> headers = default_sealed_headers();
  /// Of these one more than the message has, so that none can be added.
  std::vector<std::string> oversign = {};
  /// The same for those that the message has; one that it lacks may be added.
  std::vector<std::string> oversign_present = {};
  std::int64_t now = 0;  // t=, in seconds since 1970
  ArcLayout layout = ArcLayout::instance_first;
};

/// Adds an ARC Set to a message that is handed on (RFC 8617 section 5.1), behind all other changes
/// to it. Streaming as DkimSigner, relaxed/relaxed. One thread at a time.
class ArcSealer {
 public:
  ArcSealer(SigningKey key, ArcSealOptions options);
  ~ArcSealer();
  void header(const HeaderField& field);
  void body(std::string_view octets);
  /// `chain` is what was found of the chain as the message came, `results` the value of our results
  /// field. The three fields in the order to be put on top of the message; none where there is
  /// nothing to seal: a chain that was sealed as failed is not extended (section 5.1, step 2), and
  /// none has more than fifty sets.
  Result<std::vector<HeaderField>> finish(ArcResult chain, std::string_view results);
  /// Of the set that was made.
  unsigned instance() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
