#include "message/tag_list.h"

#include <algorithm>

#include "base/ascii.h"
#include "message/syntax.h"

namespace authmilter {
namespace {

/// RFC 6376 section 3.2: a CR and a LF stand only together, and only before WSP.
bool folds_are_clean(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') return false;
    if (text[i] != '\r') continue;
    if (i + 2 >= text.size() || text[i + 1] != '\n' || !is_wsp(text[i + 2])) return false;
    i += 2;
  }
  return true;
}

bool is_tag_name(std::string_view name) {
  return !name.empty() && is_alpha(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_alnum(c) || c == '_'; });
}

bool is_tag_value(std::string_view value) {
  while (!value.empty()) {
    std::size_t step = is_visible(value.front()) || is_fws(value.front()) ? 1 : 0;
    if (step == 0) step = utf8_sequence(value);
    if (step == 0) return false;
    value.remove_prefix(step);
  }
  return true;
}

}  // namespace

TagList::TagList(std::string_view text) : error_(parse(text)) {
  if (error_) tags_.clear();
}

std::optional<TagListError> TagList::parse(std::string_view text) {
  if (!folds_are_clean(text)) return TagListError::malformed;
  text = trim_fws(text);
  if (text.ends_with(';')) text.remove_suffix(1);
  if (static_cast<std::size_t>(std::count(text.begin(), text.end(), ';')) >= kMaximumTags)
    return TagListError::malformed;
  for (const auto spec : split(text, ';')) {
    const std::size_t equals = spec.find('=');
    if (equals == std::string_view::npos) return TagListError::malformed;
    const Tag tag{trim_fws(spec.substr(0, equals)), trim_fws(spec.substr(equals + 1))};
    if (!is_tag_name(tag.name) || !is_tag_value(tag.value)) return TagListError::malformed;
    if (find(tag.name)) return TagListError::duplicate_tag;
    tags_.push_back(tag);
  }
  return std::nullopt;
}

std::optional<std::string_view> TagList::find(std::string_view name) const {
  for (const auto& tag : tags_) {
    if (tag.name == name) return tag.value;
  }
  return std::nullopt;
}

}  // namespace authmilter
