#include "sendmail_form.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

namespace authmilter {
namespace {

/// The fields in which Sendmail knows addresses, as far as anybody signs them.
constexpr std::array<std::string_view, 13> kAddressFields = {
    "from",         "sender",          "reply-to",  "to",
    "cc",           "resent-from",     "resent-to", "resent-sender",
    "resent-cc",    "resent-reply-to", "errors-to", "disposition-notification-to",
    "apparently-to"};

constexpr std::string_view kBlanks = " \t\r\n";

bool same_name(std::string_view name, std::string_view lower) {
  return std::equal(name.begin(), name.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

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

}  // namespace

std::string as_sendmail_writes(std::string_view name, std::string_view value) {
  const bool known = std::any_of(kAddressFields.begin(), kAddressFields.end(),
                                 [&](std::string_view field) { return same_name(name, field); });
  const auto list = known ? elements(value) : std::nullopt;
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
