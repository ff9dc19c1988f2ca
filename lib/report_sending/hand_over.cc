#include <authmilter/report_sending.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace authmilter {
namespace {

/// RFC 9990 section 3.5: what could not be delivered may be tried again, or dropped.
constexpr unsigned kMostAttempts = 12;

/// What the entry becomes. What nobody knows stays as it is: whoever finds it there sends it again
/// under the same names.
EntryProgress progress_of(const Carried& carried, const SendEntry& entry,
                          const OutgoingReport& mail) {
  const std::string detail = fmt::format("to {}{}{}", fmt::join(mail.recipients, ", "),
                                         carried.detail.empty() ? "" : ": ", carried.detail);
  switch (carried.state) {
    case Carried::State::done:
      return {SendState::sent, detail};
    case Carried::State::refused:
      return {SendState::failed, detail};
    case Carried::State::later:
    case Carried::State::unknown:
      break;
  }
  if (entry.attempts + 1 >= kMostAttempts)
    return {SendState::failed, fmt::format("{} (after {} attempts)", detail, kMostAttempts)};
  return {carried.state == Carried::State::later ? SendState::planned : SendState::sending, detail};
}

}  // namespace

StoreResult<EntryProgress> DirectHandOver::hand_over(const SendEntry& entry,
                                                     const OutgoingReport& mail, std::int64_t now) {
  // 1. Nobody else is at it, and a crash from here on leaves a trace.
  const auto begun = store_.advance(entry, entry.state, SendState::sending, now,
                                    entry.state == SendState::sending ? "once more" : "");
  if (!begun) return begun.error();
  if (!*begun) return EntryProgress{entry.state, "somebody else is at it"};
  // 2. The mail is theirs, or not.
  const Carried carried = carrier_.carry(mail);
  // 3. What came of it.
  const EntryProgress progress = progress_of(carried, entry, mail);
  if (progress.state == SendState::sending) return progress;
  const auto ended =
      store_.advance(entry, SendState::sending, progress.state, now, progress.detail);
  if (!ended) return ended.error();
  if (carried.state == Carried::State::refused) {
    const auto noted = store_.note_bounce(entry.destination, now, carried.detail);
    if (!noted) return noted.error();
  }
  return progress;
}

}  // namespace authmilter
