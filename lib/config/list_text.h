#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "config/document.h"

namespace authmilter {

/// Where a list of TOML stands in its text, in octets.
struct ListText {
  struct Range {
    std::size_t begin;
    std::size_t end;  // behind the last octet
  };
  Range whole;                  // with its brackets
  std::vector<Range> elements;  // without the blanks around them
};

/// The octet that stands at a place of the document; its size where there is none.
std::size_t offset_of(std::string_view text, Place place);
/// The list that begins with the bracket at `offset`. Nothing when there is none, or it does not
/// end. The text must be TOML that has been read.
std::optional<ListText> find_list(std::string_view text, std::size_t offset);

}  // namespace authmilter
