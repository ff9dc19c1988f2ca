#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace authmilter {

/// A longer field is not read. Whatever is configured, none that says anything comes near.
inline constexpr std::size_t kResultsFieldOctets = 64UL * 1024;

/// RFC 2045 section 5.1: what stands without quotes in an Authentication-Results field.
bool is_token(std::string_view text);

/// RFC 5321 section 4.1.2: Keyword, and the underscore that some large senders write.
bool is_keyword_char(char c);

/// Reads the pieces of an Authentication-Results field (RFC 8601 section 2.2) from left to right.
/// Each function that reads one leaves the position alone when it is not there.
class ResultsLexer {
 public:
  explicit ResultsLexer(std::string_view text) : text_(text) {}

  /// Passes blanks, folds and comments; false when there were none. A comment that does not end
  /// leaves the position at it, where nothing can be read any more.
  bool skip();
  bool at_end() const { return at_ == text_.size(); }
  bool at(char c) const { return !at_end() && text_[at_] == c; }
  bool take(char c);
  std::size_t position() const { return at_; }

  std::optional<std::string> take_keyword();  // in lower case
  std::optional<std::string> take_digits();
  /// `value`: a token or a quoted string, without the quotes. RFC 8601 section 2.2 has UTF-8 in
  /// quoted strings only; it is written without quotes too, so it may stand in a token here.
  std::optional<std::string> take_value();
  /// `pvalue`: the same, or an address with or without a local part. Wider than the grammar by the
  /// marks of a local part, which signatures in base64 have.
  std::optional<std::string> take_property_value();

 private:
  template <class Predicate>
  std::string_view run(Predicate belongs) const;
  std::optional<std::string> take_quoted();

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace authmilter
