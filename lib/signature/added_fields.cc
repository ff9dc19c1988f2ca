#include "signature/added_fields.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
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

/// What is the author's to the reader, and where an answer goes. Who passes a message on unchanged
/// but for these could put them anywhere, below a signature's field too. Google, Microsoft and
/// OpenARC name the first three always; of To, Cc and the fields of MIME each of them leaves some
/// out that every message has, so that of these only what came on top can be told.
constexpr std::string_view kToBeCovered[] = {"from", "subject", "date", "reply-to"};

std::ptrdiff_t times(const std::vector<MessageField>& fields, std::string_view name) {
  return std::count_if(fields.begin(), fields.end(),
                       [&](const MessageField& one) { return one.name == name; });
}

enum class Below : std::uint8_t { may_be_older, counts };

bool is_added(const std::vector<MessageField>& fields, const std::vector<std::string>& names,
              std::size_t place, std::string_view name, Below below) {
  const auto named = std::count(names.begin(), names.end(), name);
  if (named > 0 || below == Below::counts) return times(fields, name) > named;
  const auto above = fields.begin() + static_cast<std::ptrdiff_t>(place);
  return std::any_of(fields.begin(), above,
                     [&](const MessageField& one) { return one.name == name; });
}

}  // namespace

/// RFC 6376 section 5.4 lets a signer leave a name out, so one below its field proves nothing. It
/// is DMARC's part to refuse a second From.
std::vector<std::string> added_fields(const std::vector<MessageField>& fields,
                                      const std::vector<std::string>& names, std::size_t place) {
  std::vector<std::string> added;
  for (const auto name : kShownFields) {
    if (is_added(fields, names, place, name, Below::may_be_older)) added.emplace_back(name);
  }
  return added;
}

std::vector<std::string> uncovered_fields(const std::vector<MessageField>& fields,
                                          const std::vector<std::string>& names,
                                          std::size_t place) {
  std::vector<std::string> added;
  for (const auto name : kShownFields) {
    const bool anywhere =
        std::find(std::begin(kToBeCovered), std::end(kToBeCovered), name) != std::end(kToBeCovered);
    if (is_added(fields, names, place, name, anywhere ? Below::counts : Below::may_be_older))
      added.emplace_back(name);
  }
  return added;
}

bool covers_list_id(const std::vector<MessageField>& fields, const std::vector<std::string>& names,
                    std::size_t place) {
  constexpr std::string_view kListId = "list-id";
  return times(fields, kListId) == 1 && std::count(names.begin(), names.end(), kListId) > 0 &&
         uncovered_fields(fields, names, place).empty();
}

}  // namespace authmilter
