#include "milter_dialogue.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "input.h"

namespace authmilter::fuzz {
namespace {

constexpr std::uint32_t kAddHeaders = 0x1;
constexpr std::uint32_t kChangeHeaders = 0x10;
constexpr std::uint32_t kQuarantine = 0x20;
constexpr std::uint32_t kSkip = 0x400;
constexpr std::uint32_t kLeadingSpace = 0x100000;
constexpr std::uint32_t kAllOptions = 0x1fffff;

/// The option that spares the MTA the reply to a command.
std::uint32_t no_reply(char command) {
  switch (command) {
    case 'L':
      return 0x80;
    case 'C':
      return 0x1000;
    case 'H':
      return 0x2000;
    case 'M':
      return 0x4000;
    case 'R':
      return 0x8000;
    case 'T':
      return 0x10000;
    case 'N':
      return 0x40000;
    case 'B':
      return 0x80000;
    default:
      return 0;
  }
}

std::size_t strings_in(std::string_view data) {
  return static_cast<std::size_t>(std::count(data.begin(), data.end(), '\0'));
}

bool one_string(std::string_view data) { return data.ends_with('\0') && strings_in(data) == 1; }

HeaderEdit edit_of(const Packet& packet) {
  using Action = HeaderEdit::Action;
  require(packet.data.size() > 4 && packet.data.ends_with('\0') &&
              strings_in(std::string_view(packet.data).substr(4)) == 2,
          "an index and two strings");
  const std::size_t end = packet.data.find('\0', 4);
  HeaderEdit edit{Action::insert, number_at(packet.data, 0), packet.data.substr(4, end - 4),
                  packet.data.substr(end + 1)};
  edit.value.pop_back();
  if (packet.command == 'm') edit.action = edit.value.empty() ? Action::remove : Action::replace;
  return edit;
}

void check_reply_code(std::string_view data) {
  require(one_string(data), "a reply is one string");
  data.remove_suffix(1);
  require(printable_ascii(data) && data.size() > 10 && data.size() < 300, "it can be sent");
  require((data[0] == '4' || data[0] == '5') && is_digit(data[1]) && is_digit(data[2]) &&
              data[3] == ' ' && data[4] == data[0] && data[5] == '.',
          "a code and an enhanced one of the same class");
}

class Dialogue {
 public:
  explicit Dialogue(const Replies& replies) : replies_(replies) {}

  /// False when the MTA has left the order.
  bool take(const Packet& packet) {
    if (!in_order(packet)) return false;
    if (packet.command == 'O') {
      offered_options_ = number_at(packet.data, 8);
      offered_actions_ = number_at(packet.data, 4);
    }
    if (packet.command != 'D' && packet.command != 'A' && packet.command != 'K' &&
        (options_ & no_reply(packet.command)) == 0) {
      require(next_ < replies_.answers.size(), "an orderly command gets its reply");
      const Answer& given = replies_.answers[next_++];
      // There is no message where the sender is refused.
      if (packet.command == 'M' && given.last.command == 'y') return true;
      answer(packet, given);
    }
    content(packet);
    state_ = state_after(packet);
    return true;
  }
  std::vector<OrderlyMessage> messages() && { return std::move(messages_); }

 private:
  enum class State { start, ready, connected, mail, rcpt, data, header, body };

  bool in_order(const Packet& packet) const;
  State state_after(const Packet& packet) const;
  void answer(const Packet& packet, const Answer& given);
  void content(const Packet& packet);

  const Replies& replies_;
  std::size_t next_ = 0;
  State state_ = State::start;
  std::uint32_t offered_actions_ = 0;
  std::uint32_t offered_options_ = 0;
  std::uint32_t actions_ = 0;
  std::uint32_t options_ = 0;
  bool sendmail_ = false;
  bool accepted_ = false;  // the last message
  Message message_;
  std::vector<OrderlyMessage> messages_;
};

bool Dialogue::in_order(const Packet& packet) const {
  const std::string& data = packet.data;
  const bool between = state_ == State::connected;
  const bool in_header = state_ == State::rcpt || state_ == State::data || state_ == State::header;
  switch (packet.command) {
    case 'O':
      return state_ == State::start && data.size() == 12 && number_at(data, 0) >= 2 &&
             number_at(data, 0) <= 6 && (number_at(data, 4) & kAddHeaders) != 0 &&
             (number_at(data, 4) & kChangeHeaders) != 0 && number_at(data, 8) != 0 &&
             number_at(data, 8) <= kAllOptions;
    case 'C': {
      const std::size_t host = data.find('\0');
      if (state_ != State::ready || host == std::string::npos || host + 2 > data.size()) {
        return false;
      }
      if (data[host + 1] == 'U') return host + 2 == data.size();
      const std::string_view address =
          std::string_view(data).substr(std::min(data.size(), host + 4));
      if (!one_string(address)) return false;
      const auto parsed = IpAddress::parse(address.substr(0, address.size() - 1));
      return parsed && parsed->is_v4() == (data[host + 1] == '4') &&
             (data[host + 1] == '4' || data[host + 1] == '6');
    }
    case 'D':
      return state_ != State::start && data.size() > 1 && strings_in(data) % 2 == 0 &&
             data.ends_with('\0');
    case 'H':
      return between && one_string(data);
    case 'M':
      return between && strings_in(data) > 0;
    case 'R':
      return (state_ == State::mail || state_ == State::rcpt) && strings_in(data) > 0;
    case 'T':
      return state_ == State::rcpt;
    case 'L':
      return in_header && data.ends_with('\0') && strings_in(data) == 2 && data.front() != '\0';
    case 'N':
      return in_header;
    case 'B':
      return state_ == State::body && !data.empty();
    case 'E':
      return state_ == State::body && data.empty();
    case 'A':
      return state_ > State::connected;
    case 'K':
      return between && accepted_;
    default:
      return false;
  }
}

Dialogue::State Dialogue::state_after(const Packet& packet) const {
  switch (packet.command) {
    case 'O':
    case 'K':
      return State::ready;
    case 'C':
    case 'E':
    case 'A':
      return State::connected;
    case 'M':
      return State::mail;
    case 'R':
      return State::rcpt;
    case 'T':
      return State::data;
    case 'L':
      return State::header;
    case 'N':
      return State::body;
    default:
      return state_;
  }
}

void Dialogue::answer(const Packet& packet, const Answer& given) {
  if (packet.command == 'O') {
    require(given.last.command == 'O' && given.last.data.size() >= 12, "an offer is answered");
    actions_ = number_at(given.last.data, 4);
    options_ = number_at(given.last.data, 8);
    require((actions_ & ~offered_actions_) == 0, "only actions that were offered");
    require((options_ & ~offered_options_) == 0, "only options that were offered");
    return;
  }
  if (packet.command != 'E') {
    require(given.edits.empty() && !given.quarantine, "changes only at the end");
    const bool skip = packet.command == 'B' && (options_ & kSkip) != 0;
    require(given.last.command == 'c' || (skip && given.last.command == 's'), "the MTA may go on");
    return;
  }
  require(given.last.command != 's' && given.last.command != 'O', "a message has an end");
  require(!given.quarantine || (actions_ & kQuarantine) != 0, "the MTA can hold a message");
  OrderlyMessage done{message_, sendmail_, (actions_ & kQuarantine) != 0, given};
  if ((options_ & kLeadingSpace) == 0) {
    for (HeaderEdit& edit : done.answer.edits) {
      if (edit.action != HeaderEdit::Action::remove) edit.value.insert(0, " ");
    }
  }
  messages_.push_back(std::move(done));
}

void Dialogue::content(const Packet& packet) {
  const std::string& data = packet.data;
  switch (packet.command) {
    case 'D':
      // {v} tells Sendmail by a number. Wherever it stands, it may be the one that counts.
      sendmail_ = sendmail_ || data.find('v') != std::string::npos;
      return;
    case 'M':
      message_ = {};
      accepted_ = false;
      return;
    case 'L': {
      const std::size_t end = data.find('\0');
      std::string value = data.substr(end + 1, data.size() - end - 2);
      // The MTA has taken a blank off, where there was one.
      if ((options_ & kLeadingSpace) == 0 && !value.empty()) value.insert(0, " ");
      message_.fields.push_back(make_header_field(data.substr(0, end), value));
      return;
    }
    case 'B':
      message_.body += data;
      return;
    case 'E':
      accepted_ = messages_.back().answer.accepted();
      return;
    default:
      return;
  }
}

}  // namespace

Replies::Replies(std::string_view octets) {
  const Packets read = read_packets(octets);
  require(read.whole, "whole packets come");
  Answer answer;
  for (const Packet& packet : read.packets) {
    switch (packet.command) {
      case 'i':
      case 'm':
        answer.edits.push_back(edit_of(packet));
        continue;
      case 'q':
        require(one_string(packet.data) && packet.data.size() > 1 &&
                    printable_ascii(packet.data.substr(0, packet.data.size() - 1)),
                "a reason for the quarantine");
        answer.quarantine = true;
        continue;
      case 'y':
        check_reply_code(packet.data);
        break;
      case 'O':
        require(answers.empty(), "one negotiation, and first");
        break;
      case 'c':
      case 's':
      case 't':
        require(packet.data.empty(), "nothing more to say");
        break;
      default:
        require(false, "a reply that the daemon knows");
    }
    answer.last = packet;
    require(answer.accepted() || (answer.edits.empty() && !answer.quarantine),
            "what is refused is not changed");
    answers.push_back(std::exchange(answer, {}));
  }
  require(answer.edits.empty() && !answer.quarantine, "changes are followed by their answer");
}

std::vector<OrderlyMessage> follow(const std::vector<Packet>& sent, const Replies& replies) {
  Dialogue dialogue(replies);
  for (const Packet& packet : sent) {
    if (!dialogue.take(packet)) break;
  }
  return std::move(dialogue).messages();
}

std::size_t most_replies(const std::vector<Packet>& sent) {
  std::size_t most = 0;
  for (const Packet& packet : sent) {
    if (packet.command == 'D' || packet.command == 'A') continue;
    // Data in the packet that ends a message is a piece of the body.
    most += packet.command == 'E' && !packet.data.empty() ? 2 : 1;
  }
  return most;
}

}  // namespace authmilter::fuzz
