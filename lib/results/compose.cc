#include <authmilter/authentication_results.h>

#include <algorithm>

#include "base/ascii.h"
#include "results/lexer.h"

namespace authmilter {
namespace {

constexpr std::string_view kFieldStart = "Authentication-Results: ";
// RFC 5322 section 2.1.1: 78, and one of them is kept for a semicolon.
constexpr std::size_t kLineColumns = 77;
constexpr std::size_t kTabColumns = 8;

/// Appends words, and starts a new line where the next one would not fit.
class Folder {
 public:
  void word(std::string_view text) {
    if (column_ + 1 + text.size() > kLineColumns && !line_is_empty_) {
      new_line();
    } else if (!line_is_empty_) {
      out_ += ' ';
      ++column_;
    }
    append(text);
  }
  void new_line() {
    out_ += "\n\t";
    column_ = kTabColumns;
    line_is_empty_ = true;
  }
  void append(std::string_view text) {
    out_ += text;
    column_ += text.size();
    line_is_empty_ = false;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t column_ = kFieldStart.size();
  bool line_is_empty_ = true;
};

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

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string value_text(std::string_view value) {
  const std::string text = printable_or_mark(value);
  return is_token(text) ? text : quoted(text);
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

void compose_result(const MethodResult& result, Folder& folder) {
  std::string method = keyword_text(result.method);
  if (is_version(result.version)) method += "/" + result.version;
  folder.word(method + "=" + keyword_text(result.result));
  if (!result.reason.empty()) folder.word("reason=" + value_text(result.reason));
  if (!result.comment.empty()) {
    const std::string comment = comment_text(result.comment);
    for (const auto piece : split(comment, ' ')) {
      if (!piece.empty()) folder.word(piece);
    }
  }
  for (const auto& property : result.properties) {
    folder.word(keyword_text(property.ptype) + "." + keyword_text(property.property) + "=" +
                property_value_text(property.value));
  }
}

}  // namespace

std::string compose(const AuthenticationResults& results) {
  Folder folder;
  folder.append(value_text(results.authserv_id));
  if (is_version(results.version)) folder.word(results.version);
  if (results.results.empty()) {
    folder.append(";");
    folder.word("none");
  }
  for (const auto& result : results.results) {
    folder.append(";");
    folder.new_line();
    compose_result(result, folder);
  }
  return folder.take();
}

}  // namespace authmilter
