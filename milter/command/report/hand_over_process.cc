#include "report/hand_over_process.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace authmilter::tools {
namespace {

// What goes through the channel are lists of texts. A mail is the largest of them, and bounded by
// `[reports] maximum_octets`; both ends are this program.
using Texts = std::vector<std::string>;

bool put_octets(int channel, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t sent = ::send(channel, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool get_octets(int channel, char* to, std::size_t count) {
  while (count > 0) {
    const ssize_t got = ::recv(channel, to, count, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

bool put_number(int channel, std::uint32_t number) {
  std::array<char, sizeof number> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i)
    octets[i] = static_cast<char>((number >> (8U * i)) & 0xffU);
  return put_octets(channel, {octets.data(), octets.size()});
}

std::optional<std::uint32_t> get_number(int channel) {
  std::array<char, sizeof(std::uint32_t)> octets{};
  if (!get_octets(channel, octets.data(), octets.size())) return std::nullopt;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < octets.size(); ++i)
    number |= static_cast<std::uint32_t>(static_cast<unsigned char>(octets[i])) << (8U * i);
  return number;
}

bool put(int channel, const Texts& texts) {
  if (!put_number(channel, static_cast<std::uint32_t>(texts.size()))) return false;
  for (const std::string& text : texts) {
    if (!put_number(channel, static_cast<std::uint32_t>(text.size())) || !put_octets(channel, text))
      return false;
  }
  return true;
}

/// Nothing: the other end is gone.
std::optional<Texts> get(int channel) {
  const auto count = get_number(channel);
  if (!count) return std::nullopt;
  Texts texts;
  for (std::uint32_t i = 0; i < *count; ++i) {
    const auto size = get_number(channel);
    if (!size) return std::nullopt;
    std::string text(*size, '\0');
    if (!get_octets(channel, text.data(), text.size())) return std::nullopt;
    texts.push_back(std::move(text));
  }
  return texts;
}

std::int64_t number_of(const std::string& text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

template <class Enum>
std::string word(Enum value) {
  return std::to_string(static_cast<unsigned>(value));
}

// Before the recipients.
constexpr std::size_t kEntryTexts = 10;

Texts texts_of(const SendEntry& entry, const OutgoingReport& mail, std::int64_t now) {
  Texts texts{std::to_string(entry.day),
              entry.policy_domain.text(),
              entry.destination,
              entry.report_id,
              entry.file_name,
              word(entry.state),
              std::to_string(entry.attempts),
              std::to_string(entry.changed),
              std::to_string(now),
              mail.octets};
  texts.insert(texts.end(), mail.recipients.begin(), mail.recipients.end());
  return texts;
}

Texts texts_of(const StoreResult<EntryProgress>& result) {
  if (!result) return {"error", word(result.error().kind), result.error().message};
  return {"done", word(result->state), result->detail};
}

StoreResult<EntryProgress> result_of(const std::optional<Texts>& texts) {
  if (!texts || texts->size() != 3)
    return StoreError{StoreError::Kind::later, "the process that hands reports over has ended"};
  const auto value = number_of((*texts)[1]);
  if (texts->front() == "error")
    return StoreError{static_cast<StoreError::Kind>(value), (*texts)[2]};
  return EntryProgress{static_cast<SendState>(value), (*texts)[2]};
}

/// One after the other, until the other end is gone.
void serve(int channel, const StoreAddress& address, ReportCarrier& carrier) {
  std::unique_ptr<ReportStore> store;
  while (const auto texts = get(channel)) {
    if (texts->size() <= kEntryTexts) return;
    const auto domain = DomainName::parse((*texts)[1]);
    if (!domain) return;
    const SendEntry entry{static_cast<ReportDay>(number_of((*texts)[0])),
                          *domain,
                          (*texts)[2],
                          (*texts)[3],
                          (*texts)[4],
                          static_cast<SendState>(number_of((*texts)[5])),
                          static_cast<unsigned>(number_of((*texts)[6])),
                          number_of((*texts)[7])};
    const OutgoingReport mail{{texts->begin() + kEntryTexts, texts->end()}, (*texts)[9]};
    if (store == nullptr) {
      auto opened = ReportStore::open(address, ReportStore::Access::write);
      if (!opened) {
        if (!put(channel, texts_of(StoreResult<EntryProgress>(opened.error())))) return;
        continue;
      }
      store = std::move(*opened);
    }
    DirectHandOver hand_over(*store, carrier);
    if (!put(channel, texts_of(hand_over.hand_over(entry, mail, number_of((*texts)[8]))))) return;
  }
}

/// The whole life of the process.
[[noreturn]] void live(int channel, const StoreAddress& address, const ReportDelivery& delivery,
                       const ReportSender& sender) noexcept {
  // What stops a run, from a terminal or by systemd, lets it end what it has in hand.
  ::setsid();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
  try {
    serve(channel, address, *make_report_carrier(delivery, sender));
  } catch (...) {
    ::_exit(EXIT_FAILURE);
  }
  ::_exit(EXIT_SUCCESS);
}

}  // namespace

Result<std::unique_ptr<HandOverProcess>> HandOverProcess::start(const StoreAddress& store,
                                                                const ReportDelivery& delivery,
                                                                const ReportSender& sender) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return Error{"socketpair: " + std::generic_category().message(errno)};
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    live(ends[1], store, delivery, sender);
  }
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    return Error{"fork: " + std::generic_category().message(errno)};
  }
  return std::unique_ptr<HandOverProcess>(new HandOverProcess(child, ends[0]));
}

HandOverProcess::~HandOverProcess() {
  ::close(channel_);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) continue;
}

StoreResult<EntryProgress> HandOverProcess::hand_over(const SendEntry& entry,
                                                      const OutgoingReport& mail,
                                                      std::int64_t now) {
  if (!put(channel_, texts_of(entry, mail, now))) return result_of(std::nullopt);
  return result_of(get(channel_));
}

}  // namespace authmilter::tools
