#include "message/sendmail_form.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/ascii.h"

namespace authmilter {
namespace {

/// The fields in which Sendmail knows addresses, as far as anybody signs them.
constexpr std::array<std::string_view, 13> kAddressFields = {
    "from",         "sender",          "reply-to",  "to",
    "cc",           "resent-from",     "resent-to", "resent-sender",
    "resent-cc",    "resent-reply-to", "errors-to", "disposition-notification-to",
    "apparently-to"};

constexpr std::string_view kBlanks = " \t\r\n";

/// Follows RFC 5322's quoting, to tell which commas separate addresses.
class Scanner {
 public:
  /// True when `c` stands outside of quotes, comments and angle brackets.
  bool outside(char c) {
    if (escaped_) {
      escaped_ = false;
      return false;
    }
    if (c == '\\') {
      escaped_ = true;
      return false;
    }
    if (quoted_) {
      quoted_ = c != '"';
      return false;
    }
    if (c == '(') ++comments_;
    if (comments_ > 0) {
      if (c == ')') --comments_;
      return false;
    }
    if (c == '"') quoted_ = true;
    if (c == '<') angle_ = true;
    if (c == '>') angle_ = false;
    return !quoted_ && !angle_;
  }
  bool balanced() const { return !escaped_ && !quoted_ && !angle_ && comments_ == 0; }

 private:
  bool escaped_ = false;
  bool quoted_ = false;
  bool angle_ = false;
  std::size_t comments_ = 0;
};

/// What stands between the commas, blanks included; nothing when a quote or bracket is left open.
std::optional<std::vector<std::string_view>> elements(std::string_view value) {
  std::vector<std::string_view> found;
  Scanner scanner;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!scanner.outside(value[i]) || value[i] != ',') continue;
    found.push_back(value.substr(begin, i - begin));
    begin = i + 1;
  }
  if (!scanner.balanced()) return std::nullopt;
  found.push_back(value.substr(begin));
  return found;
}

/// The address of an element: what stands in angle brackets, or else all but the comments.
std::string address_of(std::string_view element) {
  std::string bare;
  std::string angle;
  bool in_angle = false;
  bool quoted = false;
  std::size_t comments = 0;
  for (std::size_t i = 0; i < element.size(); ++i) {
    const char c = element[i];
    const bool escaped = i > 0 && element[i - 1] == '\\' && (quoted || comments > 0);
    if (!escaped && comments == 0 && c == '"') quoted = !quoted;
    if (!escaped && !quoted && c == '(') ++comments;
    if (comments == 0 && !quoted && (c == '<' || c == '>')) {
      in_angle = c == '<';
      if (in_angle) angle = c;
    } else if (comments == 0) {
      (in_angle ? angle : bare) += c;
    }
    if (!escaped && !quoted && c == ')' && comments > 0) --comments;
  }
  return angle.empty() ? std::string(trim_fws(bare)) : angle.substr(1);
}

/// Whether an element is an address to Sendmail, and lacks a domain. A group's name and end are
/// no addresses.
bool is_unqualified(std::string_view element) {
  const std::string address = address_of(element);
  if (address.find('@') != std::string::npos) return false;
  std::string_view rest = address;
  if (const std::size_t group = rest.find(':'); group != std::string_view::npos)
    rest.remove_prefix(group + 1);
  if (rest.ends_with(';')) rest.remove_suffix(1);
  return !trim_fws(rest).empty();
}

}  // namespace

bool is_sendmail_address_field(std::string_view name) {
  return std::any_of(kAddressFields.begin(), kAddressFields.end(),
                     [&](std::string_view field) { return equals_ignoring_case(name, field); });
}

bool has_unqualified_address(std::string_view name, std::string_view value) {
  if (!is_sendmail_address_field(name) || equals_ignoring_case(name, "from")) return false;
  const auto list = elements(value);
  return list && std::any_of(list->begin(), list->end(), is_unqualified);
}

std::string as_sendmail_writes(std::string_view name, std::string_view value) {
  const auto list = is_sendmail_address_field(name) ? elements(value) : std::nullopt;
  if (!list || list->size() == 1) return std::string(value);
  std::string out;
  for (const std::string_view element : *list) {
    const std::size_t first = element.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) continue;  // Sendmail leaves out what is empty
    const std::size_t last = element.find_last_not_of(kBlanks);
    // A line break, or more blanks, is the same to relaxed canonicalization: let it be.
    const std::string_view blanks = element.substr(0, first);
    if (!out.empty()) out += ',';
    out += blanks.empty() && !out.empty() ? " " : blanks;
    out += element.substr(first, last + 1 - first);
  }
  return out;
}

}  // namespace authmilter
