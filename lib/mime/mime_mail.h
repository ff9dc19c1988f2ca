#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

#include "base/octet_source.h"

namespace authmilter {

/// One part of a mail that has no parts itself, or a message that is attached, of which the parts
/// follow it.
struct MimePart {
  std::string type;        // as declared, which is only a claim: "message/feedback-report"
  std::size_t within = 0;  // so many attached messages
  std::string header;      // of an attached message: its fields as they came; else empty
};

/// A mail taken apart by GMime. `octets` must outlive it, and are not copied. One thread at a time.
class MimeMail {
 public:
  // GMime keeps an object for each part and each field, so both are counted before it sees them.
  // Mail of reports has five parts at the most.
  static constexpr std::size_t kMostBoundaries = 1000;
  static constexpr std::size_t kMostFields = 100'000;
  static constexpr std::size_t kMostParts = 100;
  static constexpr std::size_t kMostDepth = 16;

  /// An error where a limit is passed; broken MIME is read as far as it goes.
  static Result<MimeMail> parse(std::string_view octets);
  MimeMail(MimeMail&&) noexcept;
  MimeMail& operator=(MimeMail&&) noexcept;
  ~MimeMail();

  /// In their order.
  const std::vector<MimePart>& parts() const;
  /// What is in a part, its transfer encoding taken off where GMime knows it; nothing for an
  /// attached message. The mail must outlive it.
  std::unique_ptr<OctetSource> content(std::size_t part) const;

 private:
  struct Impl;
  explicit MimeMail(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace authmilter
