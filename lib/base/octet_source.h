#pragma once

#include <cstddef>
#include <string>
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

/// A source whose first octets can be looked at before it is read. `source` must outlive it.
class PeekedSource : public OctetSource {
 public:
  explicit PeekedSource(OctetSource& source) : source_(source) {}
  /// The first octets, at least so many unless there are fewer. Before the first next().
  Result<std::string_view> first(std::size_t octets) {
    while (first_.size() < octets) {
      const auto piece = source_.next();
      if (!piece) return piece.error();
      if (piece->empty()) break;
      if (first_.empty() && piece->size() >= octets) {
        first_ = *piece;  // as a rule there is nothing to join
        continue;
      }
      joined_ = std::string(first_).append(*piece);
      first_ = joined_;
    }
    return first_;
  }
  Result<std::string_view> next() override {
    if (!first_.empty()) return std::exchange(first_, std::string_view());
    return source_.next();
  }

 private:
  OctetSource& source_;
  std::string joined_;
  std::string_view first_;
};

}  // namespace authmilter
