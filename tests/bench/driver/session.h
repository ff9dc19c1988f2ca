#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "message.h"
#include "wire.h"

namespace bench {

using Clock = std::chrono::steady_clock;

enum class Verdict : std::uint8_t { accept, reject, tempfail, discard, quarantine };
constexpr std::size_t kVerdicts = 5;
constexpr std::array<const char*, kVerdicts> kVerdictNames = {"accept", "reject", "tempfail",
                                                              "discard", "quarantine"};

/// What a filter made of the MTA's offer.
struct Negotiated {
  std::uint32_t version = 0;
  std::uint32_t actions = 0;
  std::uint32_t steps = 0;
  /// Names of macros by stage (SMFIM_...), for the stages that the filter has named some for.
  std::array<std::optional<std::vector<std::string>>, 7> macros;
};

struct Outcome {
  Verdict verdict = Verdict::accept;
  std::vector<HeaderField> added;  // by all filters, in this order
  /// From the octets that say that the message has ended to the last filter's last word.
  Clock::duration after_end{};
};

/// One filter, as an MTA sees it for one connection.
class FilterSession {
 public:
  explicit FilterSession(const std::string& path);
  const Negotiated& negotiated() const { return negotiated_; }

  /// CONNECT and HELO.
  void greet(const Message& message);
  /// MAIL and RCPT.
  std::optional<Verdict> envelope(const Message& message, const std::string& queue_id);
  /// The content. `fields` are as the filters before have left them, and change.
  std::optional<Verdict> content(std::vector<HeaderField>& fields, const std::string& body,
                                 Outcome& outcome);
  void quit();

 private:
  enum class Stage : std::uint8_t {
    connect,
    helo,
    mail,
    rcpt,
    data,
    end_of_message,
    end_of_headers
  };
  struct Macro {
    std::string_view name;
    std::string value;
  };

  void negotiate();
  void send_macros(Stage stage, Command command);
  std::optional<Verdict> command(Stage stage, Command command,
                                 std::initializer_list<std::string_view> parts,
                                 std::uint32_t left_out, std::uint32_t unanswered);
  /// The reply to a command before the end of the message: nothing when the message goes on.
  struct Answer {
    std::optional<Verdict> verdict;
    bool skip = false;
  };
  Answer answer();
  std::optional<Verdict> edits(std::vector<HeaderField>& fields, Outcome& outcome);
  void change(std::vector<HeaderField>& fields, const Connection::Packet& packet,
              Outcome& outcome) const;

  Connection connection_;
  Negotiated negotiated_;
  std::vector<Macro> macros_;
};

/// Plays one message, over a connection of its own, to filters one after another as Postfix does.
Outcome play(const std::vector<std::string>& filters, const Message& message,
             const std::string& queue_id);

}  // namespace bench
