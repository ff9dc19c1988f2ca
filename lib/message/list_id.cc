#include "message/list_id.h"

#include <string_view>

#include "base/ascii.h"

namespace authmilter {
namespace {

/// RFC 2919 section 3: "must be 255 octets or less"; with a phrase in front a line or two.
constexpr std::size_t kFieldOctets = 2000;

std::optional<DomainName> read_list_id(std::string_view value) {
  if (value.size() > kFieldOctets) return std::nullopt;
  value = trim_fws(value);
  // RFC 2919 section 3: list-id-header = "List-ID:" [phrase] "<" list-id ">" CRLF
  const std::size_t open = value.rfind('<');
  if (open == std::string_view::npos || !value.ends_with('>')) return std::nullopt;
  const std::string_view id = value.substr(open + 1, value.size() - open - 2);
  if (id.ends_with('.')) return std::nullopt;
  return DomainName::parse(id);
}

}  // namespace

std::optional<DomainName> find_list_id(const std::vector<HeaderField>& fields) {
  const HeaderField* found = nullptr;
  for (const HeaderField& field : fields) {
    if (!has_name(field, "List-Id")) continue;
    if (found != nullptr) return std::nullopt;
    found = &field;
  }
  return found == nullptr ? std::nullopt : read_list_id(found->value);
}

}  // namespace authmilter
