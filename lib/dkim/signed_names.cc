#include "dkim/signed_names.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace authmilter {
namespace {

// Below what verifiers, this one too, take. From and Subject come first, so they always fit: a
// message has at most 1000 fields, of which these bound what is signed.
constexpr std::size_t kNames = 150;
constexpr std::size_t kOctets = 3000;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  auto lower = signable_name(name);
  if (!lower || !can_be_signed(*lower)) return;
  if (!contains(names, *lower)) names.push_back(std::move(*lower));
}

}  // namespace

std::vector<std::string> default_signed_headers() {
  // RFC 6376 section 5.4.1, the fields of RFC 2369, RFC 2919 and RFC 8058 that a mail program acts
  // on, and Autocrypt: the key that answers are encrypted to. Not Disposition-Notification-To (RFC
  // 8098), which list managers take out so that members cannot be found out.
  return {"from",
          "subject",
          "reply-to",
          "sender",
          "date",
          "to",
          "cc",
          "message-id",
          "in-reply-to",
          "references",
          "mime-version",
          "content-type",
          "content-transfer-encoding",
          "content-disposition",
          "content-id",
          "content-description",
          "resent-date",
          "resent-from",
          "resent-sender",
          "resent-to",
          "resent-cc",
          "resent-message-id",
          "list-id",
          "list-help",
          "list-unsubscribe",
          "list-unsubscribe-post",
          "list-subscribe",
          "list-post",
          "list-owner",
          "list-archive",
          "autocrypt"};
}

bool can_be_signed(std::string_view name) {
  constexpr std::string_view kNever[] = {"authentication-results", "bcc", "dkim-signature",
                                         "received", "return-path"};
  return std::find(std::begin(kNever), std::end(kNever), name) == std::end(kNever);
}

std::vector<std::string> default_oversigned_headers() {
  return {"from", "subject", "to", "cc", "reply-to"};
}

std::vector<std::string> default_oversigned_present_headers() {
  // RFC 5322 section 3.6, RFC 2045 section 3, RFC 2183 section 2, RFC 8058 section 3.1: one of
  // each. Of other List fields a list below a list may add its own, which is none of a reader's
  // clicks.
  return {"date",
          "message-id",
          "sender",
          "mime-version",
          "content-type",
          "content-transfer-encoding",
          "content-disposition",
          "in-reply-to",
          "references",
          "list-unsubscribe",
          "list-unsubscribe-post",
          "autocrypt"};
}

std::vector<std::string> select_signed_names(const std::vector<MessageField>& fields,
                                             const DkimSignOptions& options) {
  std::vector<std::string> names = {"from", "subject"};
  std::vector<std::string> oversigned = {"from"};
  std::vector<std::string> oversigned_present;
  for (const auto& name : options.headers) add_once(names, name);
  for (const auto& name : options.oversign) {
    add_once(oversigned, name);
    add_once(names, name);
  }
  for (const auto& name : options.oversign_present) {
    add_once(oversigned_present, name);
    add_once(names, name);
  }
  for (const auto& name : options.left_out) {
    if (name != "from" && name != "subject") std::erase(names, name);
  }
  std::vector<std::string> selected;
  std::size_t octets = 0;
  for (const auto& name : names) {
    auto times = static_cast<std::size_t>(
        std::count_if(fields.begin(), fields.end(),
                      [&](const MessageField& field) { return field.name == name; }));
    if (contains(oversigned, name) || (times > 0 && contains(oversigned_present, name))) ++times;
    // A message without a Subject must not be given one under a signature that still holds.
    if (name == "subject") times = std::max<std::size_t>(times, 1);
    for (; times > 0 && selected.size() < kNames && octets + name.size() < kOctets; --times) {
      selected.push_back(name);
      octets += name.size() + 1;
    }
  }
  return selected;
}

}  // namespace authmilter
