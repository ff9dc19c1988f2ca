#include "message/field_writer.h"

#include <utility>

namespace authmilter {
namespace {

constexpr std::size_t kTabColumns = 8;

}  // namespace

FieldWriter::FieldWriter(Lines lines, std::string_view start, std::string written)
    : lines_(lines),
      text_(std::move(written)),
      column_(start.size() + text_.size()),
      blank_wanted_(!start.ends_with(' ') || !text_.empty()) {
  if (const std::size_t fold = text_.rfind(lines_.fold); fold != std::string::npos)
    column_ = kTabColumns + text_.size() - fold - lines_.fold.size();
}

void FieldWriter::word(std::string_view text) {
  if (blank_wanted_) {
    if (fits(1 + text.size())) {
      append(" ");
    } else {
      new_line();
    }
  }
  append(text);
}

void FieldWriter::piece(std::string_view text) {
  if (!fits(text.size())) new_line();
  append(text);
}

void FieldWriter::split_anywhere(std::string_view text) {
  while (!text.empty()) {
    if (!fits(1)) new_line();
    const auto part = text.substr(0, lines_.columns - column_);
    append(part);
    text.remove_prefix(part.size());
  }
}

void FieldWriter::append(std::string_view text) {
  text_ += text;
  column_ += text.size();
  blank_wanted_ = true;
}

void FieldWriter::new_line() {
  text_ += lines_.fold;
  column_ = kTabColumns;
  blank_wanted_ = false;
}

}  // namespace authmilter
