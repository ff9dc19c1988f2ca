#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace authmilter {

/// More tags than any RFC defines; a list with more is refused before it is compared with itself.
constexpr std::size_t kMaximumTags = 100;

/// One tag of a list. `value` has no blanks at its ends but may have folds inside; a tag that wants
/// none checks for that itself.
struct Tag {
  std::string_view name;
  std::string_view value;
  bool operator==(const Tag&) const = default;
};

enum class TagListError {
  malformed,      // breaks the grammar, or has more than kMaximumTags
  duplicate_tag,  // "MUST NOT occur more than once"
};

/// A tag list (RFC 6376 section 3.2), strictly parsed; values may hold UTF-8 (RFC 8616 section 3).
/// Refers to the text it was parsed from.
class TagList {
 public:
  /// The list, or nothing and `error()` says why.
  explicit TagList(std::string_view text);

  explicit operator bool() const { return !error_; }
  TagListError error() const { return *error_; }
  /// In the order they stand. Empty when there is an error.
  const std::vector<Tag>& tags() const { return tags_; }
  /// The value of a tag; tag names are case-sensitive.
  std::optional<std::string_view> find(std::string_view name) const;

 private:
  std::optional<TagListError> parse(std::string_view text);

  std::vector<Tag> tags_;
  std::optional<TagListError> error_;
};

}  // namespace authmilter
