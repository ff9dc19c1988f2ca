#pragma once

#include <string_view>
#include <utility>

#include <authmilter/result.h>

namespace authmilter {

/// Where octets come from, a piece at a time, so that what is long need not stand in memory.
class OctetSource {
 public:
  virtual ~OctetSource() = default;
  /// The next ones, at least one; nothing at the end, and from then on. Borrowed until the next
  /// call. After an error there is nothing more to ask for.
  virtual Result<std::string_view> next() = 0;
};

/// Octets that stand in memory all the same; they must outlive it.
class TextSource : public OctetSource {
 public:
  explicit TextSource(std::string_view text) : text_(text) {}
  Result<std::string_view> next() override { return std::exchange(text_, std::string_view()); }

 private:
  std::string_view text_;
};

}  // namespace authmilter
