#include "session.h"

#include <strings.h>
#include <algorithm>

namespace bench {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kNul("\0", 1);
constexpr std::string_view kClientPort("\x9c\x40", 2);
// What Postfix writes at once.
constexpr std::size_t kBodyOctets = 65535;

/// The macros that Postfix sends unless a filter names others, by stage.
const std::array<std::vector<std::string>, 7> kUsualMacros = {{
    {"j", "{daemon_name}", "{daemon_addr}", "v"},
    {},
    {"i", "{auth_type}", "{auth_authen}", "{auth_author}", "{mail_addr}", "{mail_host}",
     "{mail_mailer}"},
    {"i", "{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"},
    {"i"},
    {"i"},
    {"i"},
}};

std::string host_of(const std::string& address) { return address.substr(address.find('@') + 1); }

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parts;
}

/// Name and value of a field in a packet.
HeaderField field_of(std::string_view data, std::uint32_t steps) {
  auto parts = split(data, '\0');
  parts.resize(2);
  std::string value(parts[1]);
  if ((steps & kLeadingSpace) == 0) value.insert(0, " ");
  return {std::string(parts[0]), std::move(value)};
}

}  // namespace

FilterSession::FilterSession(const std::string& path) : connection_(path) { negotiate(); }

void FilterSession::negotiate() {
  connection_.send(Command::negotiate,
                   {wire_number(kVersion), wire_number(kAllActions), wire_number(kAllSteps)});
  const auto packet = connection_.receive();
  if (packet.reply != Reply::negotiated || packet.data.size() < 12)
    throw FilterError("the filter does not negotiate");
  negotiated_.version = number_at(packet.data);
  negotiated_.actions = number_at(packet.data.substr(4));
  negotiated_.steps = number_at(packet.data.substr(8));
  for (auto rest = packet.data.substr(12); rest.size() > 4;) {
    const auto stage = number_at(rest);
    rest.remove_prefix(4);
    const auto names = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), names.size() + 1));
    if (stage >= negotiated_.macros.size()) throw FilterError("macros for an unknown stage");
    auto& wanted = negotiated_.macros.at(stage).emplace();
    for (const auto name : split(names, ' ')) {
      if (name.empty()) continue;
      wanted.push_back(name.size() > 1 && name.front() != '{' ? "{" + std::string(name) + "}"
                                                              : std::string(name));
    }
  }
}

void FilterSession::greet(const Message& message) {
  macros_ = {{"j", "mx.example.net"},
             {"{daemon_name}", "smtpd"},
             {"{daemon_addr}", "127.0.0.1"},
             {"v", "Postfix 3.7.11"},
             {"_", message.client_name + " [" + message.client + "]"},
             {"{client_addr}", message.client},
             {"{client_name}", message.client_name},
             {"{client_ptr}", message.client_name},
             {"{client_port}", "40000"}};
  command(Stage::connect, Command::connect,
          {message.client_name, kNul, message.client.find(':') == std::string::npos ? "4"sv : "6"sv,
           kClientPort, message.client, kNul},
          kNoConnect, kNoReplyConnect);
  command(Stage::helo, Command::helo, {message.helo, kNul}, kNoHelo, kNoReplyHelo);
}

std::optional<Verdict> FilterSession::envelope(const Message& message,
                                               const std::string& queue_id) {
  macros_.push_back({"i", queue_id});
  macros_.push_back({"{mail_addr}", message.mail_from});
  macros_.push_back({"{mail_host}", host_of(message.mail_from)});
  macros_.push_back({"{mail_mailer}", "smtp"});
  macros_.push_back({"{rcpt_addr}", message.rcpt});
  macros_.push_back({"{rcpt_host}", host_of(message.rcpt)});
  macros_.push_back({"{rcpt_mailer}", "local"});
  if (!message.auth_user.empty()) {
    macros_.push_back({"{auth_type}", "PLAIN"});
    macros_.push_back({"{auth_authen}", message.auth_user});
  }
  if (const auto verdict = command(Stage::mail, Command::mail, {"<", message.mail_from, ">", kNul},
                                   kNoMail, kNoReplyMail))
    return verdict;
  if (const auto verdict = command(Stage::rcpt, Command::rcpt, {"<", message.rcpt, ">", kNul},
                                   kNoRcpt, kNoReplyRcpt))
    return verdict;
  return command(Stage::data, Command::data, {}, kNoData, kNoReplyData);
}

std::optional<Verdict> FilterSession::content(std::vector<HeaderField>& fields,
                                              const std::string& body, Outcome& outcome) {
  if ((negotiated_.steps & kNoHeaders) == 0) {
    for (const auto& field : fields) {
      std::string_view value = field.value;
      if ((negotiated_.steps & kLeadingSpace) == 0 && value.starts_with(' '))
        value.remove_prefix(1);
      connection_.send(Command::header, {field.name, kNul, value, kNul});
      if ((negotiated_.steps & kNoReplyHeader) != 0) continue;
      if (const auto verdict = answer().verdict) return verdict;
    }
  }
  if (const auto verdict = command(Stage::end_of_headers, Command::end_of_headers, {},
                                   kNoEndOfHeaders, kNoReplyEndOfHeaders))
    return verdict;
  if ((negotiated_.steps & kNoBody) == 0) {
    for (std::string_view rest = body; !rest.empty();
         rest.remove_prefix(std::min(rest.size(), kBodyOctets))) {
      connection_.send(Command::body, {rest.substr(0, kBodyOctets)});
      if ((negotiated_.steps & kNoReplyBody) != 0) continue;
      const auto reply = answer();
      if (reply.verdict) return reply.verdict;
      if (reply.skip) break;
    }
  }
  send_macros(Stage::end_of_message, Command::end_of_message);
  connection_.send(Command::end_of_message, {});
  const auto ended = Clock::now();
  const auto verdict = edits(fields, outcome);
  outcome.after_end += Clock::now() - ended;
  return verdict;
}

void FilterSession::quit() {
  connection_.send(Command::quit, {});
  connection_.flush();
}

void FilterSession::send_macros(Stage stage, Command command) {
  const auto number = static_cast<std::size_t>(stage);
  const auto& wanted = negotiated_.macros.at(number);
  std::string values;
  for (const auto& name : wanted ? *wanted : kUsualMacros.at(number)) {
    const auto macro = std::find_if(macros_.begin(), macros_.end(),
                                    [&](const Macro& one) { return one.name == name; });
    if (macro == macros_.end()) continue;
    values.append(name).append(kNul).append(macro->value).append(kNul);
  }
  if (values.empty()) return;
  const char letter = static_cast<char>(command);
  connection_.send(Command::macros, {std::string_view(&letter, 1), values});
}

std::optional<Verdict> FilterSession::command(Stage stage, Command command,
                                              std::initializer_list<std::string_view> parts,
                                              std::uint32_t left_out, std::uint32_t unanswered) {
  if ((negotiated_.steps & left_out) != 0) return {};
  send_macros(stage, command);
  connection_.send(command, parts);
  if ((negotiated_.steps & unanswered) != 0) return {};
  return answer().verdict;
}

FilterSession::Answer FilterSession::answer() {
  for (;;) {
    const auto packet = connection_.receive();
    switch (packet.reply) {
      case Reply::progress:
        continue;
      case Reply::proceed:
        return {};
      case Reply::skip:
        return {.verdict = {}, .skip = true};
      case Reply::accept:
        return {.verdict = Verdict::accept};
      case Reply::reject:
        return {.verdict = Verdict::reject};
      case Reply::tempfail:
        return {.verdict = Verdict::tempfail};
      case Reply::discard:
        return {.verdict = Verdict::discard};
      case Reply::reply_code:
        return {.verdict = packet.data.starts_with('5') ? Verdict::reject : Verdict::tempfail};
      case Reply::negotiated:
      case Reply::quarantine:
      case Reply::add_header:
      case Reply::insert_header:
      case Reply::change_header:
        break;
    }
    throw FilterError("an answer that does not belong here: " +
                      std::string(1, static_cast<char>(packet.reply)));
  }
}

/// What the filter does to the message at its end; nothing when it goes on to the next filter.
std::optional<Verdict> FilterSession::edits(std::vector<HeaderField>& fields, Outcome& outcome) {
  bool quarantined = false;
  for (;;) {
    const auto packet = connection_.receive();
    switch (packet.reply) {
      case Reply::progress:
        break;
      case Reply::quarantine:
        quarantined = true;
        break;
      case Reply::add_header:
      case Reply::insert_header:
      case Reply::change_header:
        change(fields, packet, outcome);
        break;
      case Reply::proceed:
      case Reply::accept:
        if (quarantined) return Verdict::quarantine;
        return {};
      case Reply::reject:
        return Verdict::reject;
      case Reply::tempfail:
        return Verdict::tempfail;
      case Reply::discard:
        return Verdict::discard;
      case Reply::reply_code:
        return packet.data.starts_with('5') ? Verdict::reject : Verdict::tempfail;
      case Reply::negotiated:
      case Reply::skip:
        throw FilterError("an answer that does not belong at the end");
    }
  }
}

void FilterSession::change(std::vector<HeaderField>& fields, const Connection::Packet& packet,
                           Outcome& outcome) const {
  if (packet.reply == Reply::add_header) {
    outcome.added.push_back(field_of(packet.data, negotiated_.steps));
    fields.push_back(outcome.added.back());
    return;
  }
  const std::size_t index = number_at(packet.data);
  auto field = field_of(packet.data.substr(4), negotiated_.steps);
  if (packet.reply == Reply::insert_header) {
    outcome.added.push_back(field);
    // Position 0 is above the Received field that the MTA adds itself, which no filter is shown.
    const auto at = std::min(index > 0 ? index - 1 : 0, fields.size());
    fields.insert(fields.begin() + static_cast<std::ptrdiff_t>(at), std::move(field));
    return;
  }
  std::size_t seen = 0;
  for (auto one = fields.begin(); one != fields.end(); ++one) {
    if (::strcasecmp(one->name.c_str(), field.name.c_str()) != 0 || ++seen != index) continue;
    if (field.value.find_first_not_of(' ') == std::string::npos) {
      fields.erase(one);
    } else {
      *one = std::move(field);
    }
    return;
  }
}

Outcome play(const std::vector<std::string>& filters, const Message& message,
             const std::string& queue_id) {
  std::vector<FilterSession> sessions;
  sessions.reserve(filters.size());
  for (const auto& path : filters) sessions.emplace_back(path);
  for (auto& session : sessions) session.greet(message);

  Outcome outcome;
  // A filter that has said "accept" hears no more of the message.
  std::vector<bool> done(sessions.size());
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const auto verdict = sessions[i].envelope(message, queue_id);
    done[i] = verdict == Verdict::accept;
    if (verdict && !done[i]) outcome.verdict = *verdict;
  }
  auto fields = message.fields;
  for (std::size_t i = 0; i < sessions.size() && outcome.verdict == Verdict::accept; ++i) {
    if (done[i]) continue;
    if (const auto verdict = sessions[i].content(fields, message.body, outcome))
      outcome.verdict = *verdict;
  }
  for (auto& session : sessions) session.quit();
  return outcome;
}

}  // namespace bench
