#include <authmilter/message.h>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr auto npos = std::string_view::npos;

/// RFC 5322 section 2.2: printable ASCII without the colon.
bool is_ftext(char c) { return is_visible(c) && c != ':'; }

/// The first line of `text`, and what follows its line end. A CR that no LF follows ends no line.
struct FirstLine {
  std::string_view content;  // without the line end
  std::string_view rest;
  bool ended = false;  // false: the text stops here
};

FirstLine first_line(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == npos) return {text, {}, false};
  std::string_view content = text.substr(0, end);
  if (content.ends_with('\r')) content.remove_suffix(1);
  return {content, text.substr(end + 1), true};
}

/// Where the colon of a field stands: behind ftext, and blanks as RFC 5322 section 4.5 has them.
std::size_t find_colon(std::string_view line) {
  std::size_t at = 0;
  while (at < line.size() && is_ftext(line[at])) ++at;
  if (at == 0) return npos;
  while (at < line.size() && is_wsp(line[at])) ++at;
  return at < line.size() && line[at] == ':' ? at : npos;
}

/// A line that mailbox files put before a message. Postfix makes a field of it too.
bool is_mailbox_line(std::string_view line) {
  while (line.starts_with('>')) line.remove_prefix(1);
  return line.starts_with("From ");
}

}  // namespace

HeaderField make_header_field(std::string_view name, std::string_view value) {
  HeaderField field{std::string(name), {}};
  constexpr std::size_t kFolds = 8;  // of most fields
  field.value.reserve(value.size() + kFolds);
  std::size_t done = 0;
  for (std::size_t at = value.find('\n'); at != npos; at = value.find('\n', at + 1)) {
    if (at > 0 && value[at - 1] == '\r') continue;
    (field.value += value.substr(done, at - done)) += '\r';
    done = at;
  }
  field.value += value.substr(done);
  return field;
}

bool has_name(const HeaderField& field, std::string_view name) {
  // RFC 5322 section 4.5 lets a fold stand before the colon too.
  return equals_ignoring_case(trim_fws(field.name), name);
}

Message parse_message(std::string_view text) {
  Message message;
  bool at_start = true;
  while (!text.empty()) {
    const FirstLine line = first_line(text);
    if (line.content.empty() && line.ended) {
      text = line.rest;
      break;
    }
    if (at_start && is_mailbox_line(line.content)) {
      message.fields.push_back({"X-Mailbox-Line", " " + std::string(line.content)});
      text = line.rest;
      continue;
    }
    const std::size_t colon = find_colon(line.content);
    if (!at_start && is_wsp(line.content.front())) {
      (message.fields.back().value += "\r\n") += line.content;
    } else if (colon != npos) {
      message.fields.push_back({std::string(line.content.substr(0, colon)),
                                std::string(line.content.substr(colon + 1))});
    } else {
      break;  // the body begins with this line
    }
    at_start = false;
    text = line.rest;
  }
  message.body = text;
  return message;
}

}  // namespace authmilter
