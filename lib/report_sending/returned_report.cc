#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <authmilter/message.h>
#include <authmilter/report_sending.h>

#include "base/ascii.h"
#include "mime/mime_mail.h"

namespace authmilter {
namespace {

// An MTA writes some hundred octets for each recipient, and a report has few.
constexpr std::size_t kMostStatusOctets = 64 * 1024;
constexpr std::size_t kMostReason = 300;

std::string beginning(OctetSource& source) {
  std::string out;
  while (out.size() < kMostStatusOctets) {
    const auto piece = source.next();
    if (!piece || piece->empty()) break;
    out += piece->substr(0, kMostStatusOctets - out.size());
  }
  return out;
}

/// The first field of a name, unfolded; empty where there is none.
std::string field_of(std::string_view header, std::string_view name) {
  for (const HeaderField& field : parse_message(std::string(header) + "\n\n").fields) {
    if (!has_name(field, name)) continue;
    std::string value;
    for (const char c : trim_fws(field.value)) {
      if (c != '\r' && c != '\n') value += c;
    }
    return value;
  }
  return {};
}

/// Of "rfc822; user@example.org".
std::string behind_type(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon != std::string_view::npos) value.remove_prefix(semicolon + 1);
  return std::string(trim_fws(value));
}

/// RFC 3464 section 2.3: a group of fields for each recipient, behind those of the message.
std::vector<std::string> groups_of(std::string_view text) {
  std::vector<std::string> groups(1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) {
      if (!groups.back().empty()) groups.emplace_back();
    } else {
      groups.back() += std::string(line) + "\n";
    }
  }
  return groups;
}

/// The day of "example.org.20261128.0123456789abcdef@mx.example.org"; nothing for what is no
/// Report-ID of ours.
std::optional<ReportDay> day_of(std::string_view report_id) {
  constexpr std::size_t kDigits = 8;
  const std::size_t at = report_id.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const std::size_t last = report_id.rfind('.', at);
  if (last == std::string_view::npos || last <= kDigits) return std::nullopt;
  const std::string_view date = report_id.substr(last - kDigits, kDigits);
  if (report_id[last - kDigits - 1] != '.' ||
      !std::all_of(date.begin(), date.end(), [](char c) { return is_digit(c); }))
    return std::nullopt;
  const auto number = [&](std::size_t begin, std::size_t size) {
    int value = 0;
    std::from_chars(date.data() + begin, date.data() + begin + size, value);
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(6, 2)))};
  if (!day.ok()) return std::nullopt;
  return static_cast<ReportDay>(std::chrono::sys_days(day).time_since_epoch().count());
}

/// Whether an entry was sent to an address, its own or one that it was replaced by.
bool was_sent_to(const SendEntry& entry, const std::string& recipient) {
  if (equals_ignoring_case(entry.destination, "mailto:" + recipient)) return true;
  // "to a@example.org, b@example.org: ...", see hand_over()
  std::string_view detail = entry.detail;
  if (!detail.starts_with("to ")) return false;
  detail = detail.substr(3, std::min(detail.find(": "), detail.size()) - 3);
  const auto recipients = split(detail, ',');
  return std::any_of(recipients.begin(), recipients.end(), [&](std::string_view one) {
    return equals_ignoring_case(trim_fws(one), recipient);
  });
}

}  // namespace

std::optional<ReturnedReport> returned_report(std::string_view octets) {
  const auto mail = MimeMail::parse(octets);
  if (!mail) return std::nullopt;
  ReturnedReport returned;
  bool has_status = false;
  for (std::size_t i = 0; i < mail->parts().size(); ++i) {
    const MimePart& part = mail->parts()[i];
    std::string id;
    if (part.within == 0 && part.type == "message/delivery-status" && !has_status) {
      const auto content = mail->content(i);
      if (content == nullptr) continue;
      has_status = true;
      for (const std::string& group : groups_of(beginning(*content))) {
        const std::string action = field_of(group, "Action");
        if (action.empty() || returned.failed) continue;
        // RFC 3464 section 2.3.3: failed, delayed, delivered, relayed or expanded.
        returned.failed = equals_ignoring_case(action, "failed");
        // Whom we sent it to, whatever became of the address on the way.
        const std::string original = behind_type(field_of(group, "Original-Recipient"));
        returned.recipient =
            original.empty() ? behind_type(field_of(group, "Final-Recipient")) : original;
        const std::string code = field_of(group, "Status");
        std::string said = behind_type(field_of(group, "Diagnostic-Code"));
        if (said.find(code) == std::string::npos) said = code + (said.empty() ? "" : " ") + said;
        returned.reason = printable(said, kMostReason);
      }
    } else if (!part.header.empty()) {
      id = field_of(part.header, "Message-ID");
    } else if (part.within == 0 && part.type == "text/rfc822-headers") {
      if (const auto content = mail->content(i)) id = field_of(beginning(*content), "Message-ID");
    }
    if (id.starts_with('<') && id.ends_with('>') && returned.report_id.empty())
      returned.report_id = id.substr(1, id.size() - 2);
  }
  if (!has_status || !day_of(returned.report_id)) return std::nullopt;
  return returned;
}

StoreResult<std::optional<SendEntry>> note_returned(ReportStore& store,
                                                    const ReturnedReport& returned,
                                                    std::int64_t now) {
  using Found = std::optional<SendEntry>;
  const auto day = day_of(returned.report_id);
  if (!day) return Found();
  auto entries = store.sends(*day, *day);
  if (!entries) return entries.error();
  std::erase_if(*entries, [&](const SendEntry& entry) {
    return entry.report_id != returned.report_id || entry.state == SendState::planned;
  });
  auto entry = std::find_if(entries->begin(), entries->end(), [&](const SendEntry& one) {
    return was_sent_to(one, returned.recipient);
  });
  // An address that the MTA has changed: if it went to one destination only, it is that one.
  if (entry == entries->end() && entries->size() == 1) entry = entries->begin();
  if (entry == entries->end()) return Found();
  if (!returned.failed || entry->state == SendState::failed) return Found(*entry);
  const std::string detail = "came back: " + returned.reason;
  const auto done = store.advance(*entry, entry->state, SendState::failed, now, detail);
  if (!done) return done.error();
  // Somebody else has written it down: the same mail counts once.
  if (!*done) return Found(*entry);
  const auto noted = store.note_bounce(entry->destination, now, returned.reason);
  if (!noted) return noted.error();
  entry->state = SendState::failed;
  entry->detail = detail;
  return Found(*entry);
}

}  // namespace authmilter
