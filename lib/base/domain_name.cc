#include <authmilter/domain_name.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include <idn2.h>

#include "base/ascii.h"
#include "base/c_handle.h"

namespace authmilter {
namespace {

constexpr std::size_t kNameOctets = 253;  // RFC 1035 section 2.3.4, in text form
constexpr std::size_t kLabelOctets = 63;

using IdnText = CHandle<char, idn2_free>;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & '\x80') == 0; });
}

/// UTS 46 deletes these invisible characters, so a name that holds one reads like another name
/// without being written like it. Nobody registers such a name; it is refused instead of mapped.
bool has_invisible_character(std::string_view text) {
  constexpr std::string_view kInvisible[] = {
      "\xc2\xad",                                                      // U+00AD soft hyphen
      "\xcd\x8f",                                                      // U+034F
      "\xe1\xa0\x86", "\xe1\xa0\x8b", "\xe1\xa0\x8c", "\xe1\xa0\x8d",  // U+1806, U+180B to U+180D
      "\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e",
      "\xe2\x80\x8f",  // U+200B to U+200F
      "\xe2\x81\xa0", "\xe2\x81\xa1", "\xe2\x81\xa2", "\xe2\x81\xa3",
      "\xe2\x81\xa4",                                  // U+2060 to U+2064
      "\xef\xb8\x80", "\xef\xb8\x8e", "\xef\xb8\x8f",  // variation selectors
      "\xef\xbb\xbf"};                                 // U+FEFF
  return std::any_of(std::begin(kInvisible), std::end(kInvisible), [&](std::string_view character) {
    return text.find(character) != std::string_view::npos;
  });
}

/// RFC 8616 section 3: U-labels become A-labels before anything is looked up or compared.
std::optional<std::string> to_a_labels(const std::string& text) {
  char* output = nullptr;
  const int status = idn2_to_ascii_8z(text.c_str(), &output, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const IdnText owned(output);
  if (status != IDN2_OK || output == nullptr) return std::nullopt;
  return std::string(output);
}

/// True when every `xn--` label decodes. Whether IDNA 2008 would register it does not matter here:
/// names that older rules allowed (emoji) send mail.
bool a_labels_decode(const std::string& text) {
  if (text.find("xn--") == std::string::npos) return true;
  char* output = nullptr;
  const int status = idn2_to_unicode_8z8z(text.c_str(), &output, 0);
  const IdnText owned(output);
  return status == IDN2_OK;
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > kLabelOctets) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; });
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kNameOctets) return false;
  const auto labels = split(text, '.');
  const auto top = labels.back();
  return std::all_of(labels.begin(), labels.end(), is_label) &&
         !std::all_of(top.begin(), top.end(), is_digit);
}

}  // namespace

std::optional<DomainName> DomainName::parse(std::string_view text) {
  // A generous bound before IDNA sees it: no U-label name of 253 octets in A-labels is longer.
  if (text.size() > 4 * kNameOctets || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  std::string name = to_lower(text);
  if (!is_ascii(name)) {
    if (has_invisible_character(name)) return std::nullopt;
    auto converted = to_a_labels(name);
    if (!converted) return std::nullopt;
    name = to_lower(*converted);
  }
  if (name.ends_with('.')) name.pop_back();
  if (!is_name(name) || !a_labels_decode(name)) return std::nullopt;
  return DomainName(std::move(name));
}

std::size_t DomainName::label_count() const {
  return 1 + static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '.'));
}

std::optional<DomainName> DomainName::parent() const {
  const std::size_t dot = text_.find('.');
  if (dot == std::string::npos) return std::nullopt;
  return DomainName(text_.substr(dot + 1));
}

DomainName DomainName::rightmost(std::size_t labels) const {
  std::size_t start = text_.size();
  while (labels > 0 && start != 0) {
    const std::size_t dot = text_.rfind('.', start - 1);
    if (--labels == 0 || dot == std::string::npos) {
      return DomainName(text_.substr(dot == std::string::npos ? 0 : dot + 1));
    }
    start = dot;
  }
  return *this;
}

std::optional<DomainName> DomainName::below(std::string_view prefix) const {
  // What this name consists of has been looked at when it was read.
  if (prefix.size() + 1 + text_.size() > kNameOctets) return std::nullopt;
  const auto labels = split(prefix, '.');
  if (!std::all_of(labels.begin(), labels.end(), is_label)) return std::nullopt;
  return DomainName(std::string(prefix) + "." + text_);
}

bool DomainName::is_equal_or_below(const DomainName& ancestor) const {
  if (!text_.ends_with(ancestor.text_)) return false;
  const std::size_t rest = text_.size() - ancestor.text_.size();
  return rest == 0 || text_[rest - 1] == '.';
}

}  // namespace authmilter
