#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <authmilter/result.h>

namespace authmilter {

/// One word or quoted string of a master file; escapes are still in it.
struct MasterToken {
  std::string_view raw;  // without the quotes
  bool quoted = false;
};

/// One entry: a line, or several joined by parentheses (RFC 1035 section 5.1).
struct MasterEntry {
  std::size_t line = 0;
  bool leading_blank = false;  // the owner is that of the entry before
  std::vector<MasterToken> tokens;
};

/// Cuts a master file into entries. The views point into `text`.
class MasterLexer {
 public:
  explicit MasterLexer(std::string_view text) : text_(text) {}

  /// The next entry that is not empty; nothing at the end. Errors have no position: it is line().
  Result<std::optional<MasterEntry>> next();
  std::size_t line() const { return line_; }

 private:
  bool at_end() const { return position_ == text_.size(); }
  Result<Done> read_entry(MasterEntry& entry);
  Result<MasterToken> read_token();

  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t line_ = 1;
};

/// The octets that `\DDD` and `\X` stand for (RFC 1035 section 5.1); nothing for a bad escape.
std::optional<std::string> decode_escapes(std::string_view raw);

/// The octet of the escape at the front of `raw`, which is taken off it.
std::optional<char> take_octet(std::string_view& raw);

}  // namespace authmilter
