#include "sign/fragility.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/ascii.h"
#include "message/sendmail_form.h"
#include "signature/header_hash.h"

namespace authmilter {
namespace {

// Without the CRLF. RFC 5321 section 4.5.3.1.6 allows 1000 octets with it, and Postfix breaks what
// is longer (smtp_line_length_limit); Sendmail's mailers break at 990 (L=990).
constexpr std::size_t kLongestLine = 998;
constexpr std::size_t kSendmailLongestLine = 990;

bool has_eight_bits(std::string_view octets) {
  std::uint64_t all = 0;  // without an early exit this is as fast as memory
  for (; octets.size() >= sizeof all; octets.remove_prefix(sizeof all)) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, octets.data(), sizeof eight);
    all |= eight;
  }
  for (const char c : octets) all |= static_cast<unsigned char>(c);
  return (all & 0x8080808080808080U) != 0;
}

/// RFC 2045 section 6.2: an encoding that leaves octets as they are, so that a server without
/// 8BITMIME (RFC 6152 section 3) cannot be given the text.
bool declares_eight_bits(const HeaderField& field) {
  if (!has_name(field, "Content-Transfer-Encoding")) return false;
  const std::string_view encoding = trim_fws(field.value);
  return starts_with_ignoring_case(encoding, "8bit") ||
         starts_with_ignoring_case(encoding, "binary");
}

bool contains(const std::vector<std::string>& names, const std::optional<std::string>& name) {
  return name && std::find(names.begin(), names.end(), *name) != names.end();
}

/// The longest line of a field as it stands in the message.
std::size_t widest_line(const HeaderField& field) {
  std::size_t widest = 0;
  std::size_t column = field.name.size() + 1;  // the colon
  for (const std::string_view line : split(field.value, '\n')) {
    column += line.size() - (line.ends_with('\r') ? 1 : 0);
    widest = std::max(widest, column);
    column = 0;
  }
  return widest;
}

}  // namespace

std::string_view to_string(Fragility kind) {
  switch (kind) {
    case Fragility::long_line:
      return "long-line";
    case Fragility::eight_bit:
      return "8bit";
    case Fragility::unqualified_address:
      return "unqualified-address";
  }
  return "";
}

std::size_t FragilityScan::longest_line() const {
  return mta_ == Mta::sendmail ? kSendmailLongestLine : kLongestLine;
}

void FragilityScan::header(const std::vector<HeaderField>& fields,
                           const std::vector<std::string>& signed_names) {
  for (const HeaderField& field : fields) {
    if (declares_eight_bits(field)) add(Fragility::eight_bit);
    // Sendmail folds lists of addresses where they are longer than a line.
    const bool folded = mta_ == Mta::sendmail && is_sendmail_address_field(field.name);
    if (!folded && contains(signed_names, signable_name(field.name)) &&
        widest_line(field) > longest_line()) {
      add(Fragility::long_line);
    }
  }
}

/// A CR at the end belongs to a line end, or will, or is one octet of many.
bool FragilityScan::line_is_too_long() const {
  return column_ > longest_line() + (after_cr_ ? 1 : 0);
}

void FragilityScan::body(std::string_view octets) {
  if (has_eight_bits(octets)) add(Fragility::eight_bit);
  while (!octets.empty()) {
    const std::size_t end = octets.find('\n');
    const std::string_view piece = octets.substr(0, end);
    column_ += piece.size();
    if (!piece.empty()) after_cr_ = piece.ends_with('\r');
    if (line_is_too_long()) add(Fragility::long_line);
    if (end == std::string_view::npos) return;
    column_ = 0;
    after_cr_ = false;
    octets.remove_prefix(end + 1);
  }
}

std::vector<std::string> names_to_be_qualified(const std::vector<HeaderField>& fields, Mta mta) {
  std::vector<std::string> names;
  if (mta != Mta::sendmail) return names;
  for (const HeaderField& field : fields) {
    const auto name = signable_name(field.name);
    if (name && !contains(names, name) && has_unqualified_address(*name, field.value))
      names.push_back(*name);
  }
  return names;
}

}  // namespace authmilter
