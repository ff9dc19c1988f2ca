#include "dns/unbound/unsigned_names.h"

#include <algorithm>
#include <string_view>

namespace authmilter {

bool is_never_signed(const DnsName& name) {
  const std::string_view text = name.text();
  return std::any_of(kNeverSigned.begin(), kNeverSigned.end(), [&](std::string_view zone) {
    if (!text.ends_with(zone)) return false;
    return text.size() == zone.size() || text[text.size() - zone.size() - 1] == '.';
  });
}

}  // namespace authmilter
