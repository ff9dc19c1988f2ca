#include <set>

#include "base/ascii.h"
#include "input.h"
#include "message/tag_list.h"

// Tag lists (RFC 6376 section 3.2): names follow the grammar and occur once, values hold no ";" and
// no blank at their ends, and a list written from what was read is read the same.

using namespace authmilter;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input(data, size);
  const TagList list(input.text());
  if (!list) {
    require(list.tags().empty(), "an error leaves no tags");
    return 0;
  }
  require(list.tags().size() <= kMaximumTags, "the number of tags is limited");
  std::set<std::string_view> names;
  std::string written;
  for (const Tag& tag : list.tags()) {
    require(!tag.name.empty() && is_alpha(tag.name.front()), "a name starts with a letter");
    for (const char c : tag.name) require(is_alnum(c) || c == '_', "names are ALNUMPUNC");
    require(names.insert(tag.name).second, "a tag occurs once");
    require(tag.value == trim_fws(tag.value), "no blanks at a value's ends");
    require(tag.value.find(';') == std::string_view::npos, "no semicolon in a value");
    require(list.find(tag.name) == tag.value, "find() finds what is there");
    written += std::string(tag.name) + "=" + std::string(tag.value) + "; ";
  }
  if (list.tags().empty()) return 0;
  const TagList again(written);
  require(again && again.tags() == list.tags(), "written and read, the list is the same");
  return 0;
}
