#include <authmilter/dns_name.h>

#include <algorithm>

#include "base/ascii.h"

namespace authmilter {
namespace {

constexpr std::size_t kNameOctets = 253;  // RFC 1035 section 2.3.4, in text form
constexpr std::size_t kLabelOctets = 63;

}  // namespace

std::optional<DnsName> DnsName::parse(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty()) return DnsName(std::string());
  if (text.size() > kNameOctets) return std::nullopt;
  const auto labels = split(text, '.');
  const bool well_formed = std::all_of(labels.begin(), labels.end(), [](std::string_view label) {
    return !label.empty() && label.size() <= kLabelOctets;
  });
  if (!well_formed) return std::nullopt;
  return DnsName(to_lower(text));
}

}  // namespace authmilter
