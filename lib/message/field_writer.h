#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace authmilter {

/// Writes the value of a header field word by word, and folds it (RFC 5322 section 2.2.3) where the
/// next word does not fit.
class FieldWriter {
 public:
  struct Lines {
    std::string_view fold;  // what ends a line and begins the next one, with a tab
    std::size_t columns;    // of a line, where words allow
  };

  /// `start` is what stands on the line before the value; where it ends in a blank there is none in
  /// front of the first word. `written` is the part of the value that is there already.
  FieldWriter(Lines lines, std::string_view start, std::string written = "");

  /// `text` with a blank in front, or on a new line.
  void word(std::string_view text);
  /// `text` right behind what stands there, or on a new line.
  void piece(std::string_view text);
  /// As much of `text` as fits on each line.
  void split_anywhere(std::string_view text);
  /// `text` right behind what stands there.
  void append(std::string_view text);
  void new_line();

  std::string take() { return std::move(text_); }

 private:
  bool fits(std::size_t octets) const { return column_ + octets <= lines_.columns; }

  Lines lines_;
  std::string text_;
  std::size_t column_;
  bool blank_wanted_;  // before a word
};

}  // namespace authmilter
