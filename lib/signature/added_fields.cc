#include "signature/added_fields.h"

#include <algorithm>
#include <string_view>

namespace authmilter {
namespace {

/// RFC 5322 section 3.6 and RFC 2045 section 3 allow one of each.
constexpr std::string_view kShownFields[] = {"from",
                                             "subject",
                                             "to",
                                             "cc",
                                             "reply-to",
                                             "date",
                                             "sender",
                                             "message-id",
                                             "mime-version",
                                             "content-type",
                                             "content-transfer-encoding"};

}  // namespace

/// RFC 6376 section 5.4 lets a signer leave a name out, so one below its field proves nothing. It
/// is DMARC's part to refuse a second From.
std::vector<std::string> added_fields(const std::vector<MessageField>& fields,
                                      const std::vector<std::string>& names, std::size_t place) {
  std::vector<std::string> added;
  const auto above = fields.begin() + static_cast<std::ptrdiff_t>(place);
  for (const auto name : kShownFields) {
    const auto is_it = [&](const MessageField& one) { return one.name == name; };
    const auto named = std::count(names.begin(), names.end(), name);
    if (named > 0 ? std::count_if(fields.begin(), fields.end(), is_it) > named
                  : std::any_of(fields.begin(), above, is_it))
      added.emplace_back(name);
  }
  return added;
}

}  // namespace authmilter
