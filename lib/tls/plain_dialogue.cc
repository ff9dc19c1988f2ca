#include "tls/plain_dialogue.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/ascii.h"

namespace authmilter {
namespace {

// RFC 5321 section 4.5.3.1.5 has 512 octets for a line of a reply, RFC 9051 section 4 wants 8192 at
// least of what takes commands. Capabilities of real servers stay below a thousand.
constexpr std::size_t kLineOctets = 4096;
constexpr std::size_t kDialogueOctets = 32 << 10;
constexpr std::size_t kAnswerLines = 100;
// Of a text that is kept for people.
constexpr std::size_t kTextOctets = 200;

/// Reads lines within the limits, and knows why there are no more.
class Lines {
 public:
  Lines(ServerStream& stream, const PlainLimits& limits) : stream_(stream), limits_(limits) {}

  void allow(std::chrono::milliseconds time) {
    deadline_ = std::min(limits_.whole, std::chrono::steady_clock::now() + time);
  }

  /// Without its line end.
  std::optional<std::string> next() {
    for (;;) {
      if (const std::size_t end = held_.find('\n'); end != std::string::npos) {
        if (end > kLineOctets) return stop("a line is too long");
        std::string line = held_.substr(0, end);
        held_.erase(0, end + 1);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        return line;
      }
      if (held_.size() > kLineOctets) return stop("a line is too long");
      const StreamRead got = stream_.read(deadline_);
      switch (got.state) {
        case StreamState::octets:
          break;
        case StreamState::ended:
          return stop("the server hung up");
        case StreamState::reset:
          return stop("the server reset the connection");
        case StreamState::late:
          late_ = true;
          return stop("the server did not answer in time");
      }
      octets_ += got.octets.size();
      if (octets_ > kDialogueOctets) return stop("the server says too much");
      held_ += got.octets;
    }
  }

  bool say(const std::string& command) {
    allow(limits_.step);
    // What fails here shows in what is read next.
    return stream_.write(command + "\r\n", deadline_);
  }

  bool has_more() const { return !held_.empty(); }
  bool late() const { return late_; }
  const std::string& trouble() const { return trouble_; }

 private:
  std::nullopt_t stop(std::string_view why) {
    trouble_ = why;
    return std::nullopt;
  }

  ServerStream& stream_;
  const PlainLimits& limits_;
  StreamDeadline deadline_;
  std::string held_;
  std::size_t octets_ = 0;
  bool late_ = false;
  std::string trouble_;
};

std::string text_of(std::string_view line) { return printable(line, kTextOctets); }

/// Words between blanks.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view word : split(text, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

/// Whoever listens learns the password, or a token that is as good (RFC 4616, RFC 7628).
void add_plain_login(std::vector<std::string>& logins, std::string_view mechanism) {
  for (const char* plain : {"PLAIN", "LOGIN", "USER", "XOAUTH2", "OAUTHBEARER"}) {
    if (equals_ignoring_case(mechanism, plain) &&
        std::find(logins.begin(), logins.end(), plain) == logins.end())
      logins.emplace_back(plain);
  }
}

/// One protocol's way to TLS. Each step gives false when it ended there, and says why.
class Speaker {
 public:
  Speaker(ServerStream& stream, const PlainLimits& limits)
      : limits_(limits), lines_(stream, limits) {}

  PlainDialogue speak(ServerProtocol protocol, const std::string& helo) {
    lines_.allow(limits_.greeting);
    switch (protocol) {
      case ServerProtocol::smtp:
      case ServerProtocol::submission:
        said_.ready = smtp(helo);
        break;
      case ServerProtocol::imap:
        said_.ready = imap();
        break;
      case ServerProtocol::pop3:
        said_.ready = pop3();
        break;
      case ServerProtocol::submissions:
      case ServerProtocol::imaps:
      case ServerProtocol::pop3s:
      case ServerProtocol::https:
        throw std::logic_error("speak_plain: this protocol begins with TLS");
    }
    said_.late = lines_.late();
    said_.has_early_octets = said_.ready && lines_.has_more();
    return std::move(said_);
  }

 private:
  bool stop(std::string why) {
    said_.trouble = std::move(why);
    return false;
  }
  bool no_line(std::string_view expected) {
    return stop(lines_.trouble() + " (" + std::string(expected) + ")");
  }

  // SMTP

  struct Reply {
    int code = 0;
    std::vector<std::string> lines;  // without the code
  };
  /// RFC 5321 section 4.2.1: the last line has a blank behind its code, or nothing.
  std::optional<Reply> smtp_reply(std::string_view expected) {
    Reply reply;
    for (std::size_t i = 0; i < kAnswerLines; ++i) {
      const auto line = lines_.next();
      if (!line) {
        no_line(expected);
        return std::nullopt;
      }
      const bool has_code = line->size() >= 3 &&
                            std::all_of(line->begin(), line->begin() + 3, is_digit) &&
                            (line->size() == 3 || (*line)[3] == ' ' || (*line)[3] == '-');
      if (!has_code) {
        stop("the server does not speak SMTP: " + text_of(*line));
        return std::nullopt;
      }
      reply.code = (line->at(0) - '0') * 100 + (line->at(1) - '0') * 10 + (line->at(2) - '0');
      reply.lines.push_back(line->size() > 4 ? line->substr(4) : std::string());
      if (line->size() == 3 || (*line)[3] == ' ') return reply;
    }
    stop("the server's reply has too many lines");
    return std::nullopt;
  }

  bool smtp(const std::string& helo) {
    const auto greeting = smtp_reply("greeting");
    if (!greeting) return false;
    said_.greeting = text_of(std::to_string(greeting->code) + " " + greeting->lines.back());
    if (greeting->code != 220) return stop("the server greets with " + said_.greeting);
    lines_.say("EHLO " + helo);
    const auto features = smtp_reply("EHLO");
    if (!features) return false;
    if (features->code != 250)
      return stop("EHLO was answered by " +
                  text_of(std::to_string(features->code) + " " + features->lines.back()));
    // RFC 5321 section 4.1.1.1: the first line has the server's name.
    for (std::size_t i = 1; i < features->lines.size(); ++i) {
      // Some servers have "AUTH=PLAIN LOGIN" too, for clients of the last century.
      std::string line = features->lines[i];
      if (starts_with_ignoring_case(line, "AUTH=")) line[4] = ' ';
      const auto words = words_of(line);
      if (words.empty()) continue;
      if (equals_ignoring_case(words[0], "STARTTLS")) said_.starttls = true;
      if (!equals_ignoring_case(words[0], "AUTH")) continue;
      for (const std::string_view word : words) add_plain_login(said_.plain_logins, word);
    }
    if (!said_.starttls) return stop(std::string(kStarttlsNotOffered));
    lines_.say("STARTTLS");
    const auto go_on = smtp_reply("STARTTLS");
    if (!go_on) return false;
    if (go_on->code != 220)
      return stop("STARTTLS was answered by " +
                  text_of(std::to_string(go_on->code) + " " + go_on->lines.back()));
    return true;
  }

  // IMAP

  /// Lines up to the one with the tag, which comes last.
  std::optional<std::vector<std::string>> imap_answer(const std::string& tag,
                                                      std::string_view expected) {
    std::vector<std::string> answer;
    for (std::size_t i = 0; i < kAnswerLines; ++i) {
      auto line = lines_.next();
      if (!line) {
        no_line(expected);
        return std::nullopt;
      }
      answer.push_back(std::move(*line));
      if (answer.back().starts_with(tag + " ")) return answer;
      if (!answer.back().starts_with("* ")) {
        stop("the server does not speak IMAP: " + text_of(answer.back()));
        return std::nullopt;
      }
    }
    stop("the server's answer has too many lines");
    return std::nullopt;
  }
  static bool is_ok(const std::string& tagged) {
    const auto words = words_of(tagged);
    return words.size() > 1 && equals_ignoring_case(words[1], "OK");
  }

  bool imap() {
    const auto greeting = lines_.next();
    if (!greeting) return no_line("greeting");
    said_.greeting = text_of(*greeting);
    // RFC 9051 section 7.1.4: behind PREAUTH there is no STARTTLS, and who trusts it is had.
    if (starts_with_ignoring_case(*greeting, "* PREAUTH"))
      return stop("the server greets with PREAUTH, so there is no STARTTLS");
    if (!starts_with_ignoring_case(*greeting, "* OK"))
      return stop("the server greets with " + said_.greeting);
    lines_.say("a1 CAPABILITY");
    const auto capabilities = imap_answer("a1", "CAPABILITY");
    if (!capabilities) return false;
    if (!is_ok(capabilities->back()))
      return stop("CAPABILITY was answered by " + text_of(capabilities->back()));
    bool has_login = true;
    for (const std::string& line : *capabilities) {
      const auto words = words_of(line);
      if (words.size() < 2 || !equals_ignoring_case(words[1], "CAPABILITY")) continue;
      for (const std::string_view word : words) {
        if (equals_ignoring_case(word, "STARTTLS")) said_.starttls = true;
        // RFC 9051 section 6.2.3: the command LOGIN is there unless this is.
        if (equals_ignoring_case(word, "LOGINDISABLED")) has_login = false;
        if (starts_with_ignoring_case(word, "AUTH="))
          add_plain_login(said_.plain_logins, word.substr(5));
      }
    }
    if (has_login) add_plain_login(said_.plain_logins, "LOGIN");
    if (!said_.starttls) return stop(std::string(kStarttlsNotOffered));
    lines_.say("a2 STARTTLS");
    const auto go_on = imap_answer("a2", "STARTTLS");
    if (!go_on) return false;
    if (!is_ok(go_on->back())) return stop("STARTTLS was answered by " + text_of(go_on->back()));
    return true;
  }

  // POP3

  bool pop3() {
    const auto greeting = lines_.next();
    if (!greeting) return no_line("greeting");
    said_.greeting = text_of(*greeting);
    if (!starts_with_ignoring_case(*greeting, "+OK"))
      return stop("the server greets with " + said_.greeting);
    lines_.say("CAPA");
    auto line = lines_.next();
    if (!line) return no_line("CAPA");
    if (!starts_with_ignoring_case(*line, "+OK")) {
      // RFC 1939: a server that knows no CAPA (RFC 2449) knows USER.
      add_plain_login(said_.plain_logins, "USER");
      return stop("CAPA was answered by " + text_of(*line));
    }
    for (std::size_t i = 0;; ++i) {
      if (i == kAnswerLines) return stop("the server's answer has too many lines");
      line = lines_.next();
      if (!line) return no_line("CAPA");
      if (*line == ".") break;
      const auto words = words_of(*line);
      if (words.empty()) continue;
      if (equals_ignoring_case(words[0], "STLS")) said_.starttls = true;
      if (equals_ignoring_case(words[0], "USER")) add_plain_login(said_.plain_logins, "USER");
      if (!equals_ignoring_case(words[0], "SASL")) continue;
      for (const std::string_view word : words) add_plain_login(said_.plain_logins, word);
    }
    if (!said_.starttls) return stop(std::string(kStarttlsNotOffered));
    lines_.say("STLS");
    line = lines_.next();
    if (!line) return no_line("STLS");
    if (!starts_with_ignoring_case(*line, "+OK"))
      return stop("STLS was answered by " + text_of(*line));
    return true;
  }

  const PlainLimits& limits_;
  Lines lines_;
  PlainDialogue said_;
};

}  // namespace

PlainDialogue speak_plain(ServerStream& stream, ServerProtocol protocol, const std::string& helo,
                          const PlainLimits& limits) {
  return Speaker(stream, limits).speak(protocol, helo);
}

}  // namespace authmilter
