#include <authmilter/authentication_results.h>

#include <algorithm>

#include "base/ascii.h"
#include "message/field_writer.h"
#include "results/lexer.h"

namespace authmilter {
namespace {

constexpr std::string_view kFieldStart = "Authentication-Results: ";
// RFC 5322 section 2.1.1: 78, and one of them is kept for a semicolon.
constexpr FieldWriter::Lines kLines{"\n\t", 77};

std::string printable_or_mark(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return !is_printable(c); }, '?');
  return out;
}

/// `local-part@domain` or `@domain` that is read as one whatever the reader's grammar.
bool is_plain_address(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return false;
  const auto domain = text.substr(at + 1);
  return (at == 0 || is_token(text.substr(0, at))) && !domain.empty() &&
         std::all_of(domain.begin(), domain.end(),
                     [](char c) { return is_keyword_char(c) || c == '.'; });
}

std::string quoted_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string value_text(std::string_view value) {
  const std::string text = printable_or_mark(value);
  return is_token(text) ? text : quoted_string(text);
}

std::string property_value_text(std::string_view value) {
  return is_plain_address(value) ? std::string(value) : value_text(value);
}

/// Keywords have no quoted form, so what does not belong into one becomes an underscore. Ours are
/// constants; this is for the day when one is not.
std::string keyword_text(std::string_view keyword) {
  std::string text = to_lower(keyword);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !is_keyword_char(c); }, '_');
  return text.empty() ? "_" : text;
}

bool is_version(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// Without what could end the comment or nest another one.
std::string comment_text(std::string_view comment) {
  std::string text = printable_or_mark(comment);
  std::replace(text.begin(), text.end(), '(', '[');
  std::replace(text.begin(), text.end(), ')', ']');
  std::replace(text.begin(), text.end(), '\\', '/');
  return "(" + text + ")";
}

void compose_result(const MethodResult& result, FieldWriter& writer) {
  std::string method = keyword_text(result.method);
  if (is_version(result.version)) method += "/" + result.version;
  writer.word(method + "=" + keyword_text(result.result));
  if (!result.reason.empty()) writer.word("reason=" + value_text(result.reason));
  if (!result.comment.empty()) {
    const std::string comment = comment_text(result.comment);
    for (const auto piece : split(comment, ' ')) {
      if (!piece.empty()) writer.word(piece);
    }
  }
  for (const auto& property : result.properties) {
    writer.word(keyword_text(property.ptype) + "." + keyword_text(property.property) + "=" +
                property_value_text(property.value));
  }
}

}  // namespace

std::string compose(const AuthenticationResults& results) {
  FieldWriter writer(kLines, kFieldStart);
  writer.append(value_text(results.authserv_id));
  if (is_version(results.version)) writer.word(results.version);
  if (results.results.empty()) {
    writer.append(";");
    writer.word("none");
  }
  for (const auto& result : results.results) {
    writer.append(";");
    writer.new_line();
    compose_result(result, writer);
  }
  return writer.take();
}

}  // namespace authmilter
