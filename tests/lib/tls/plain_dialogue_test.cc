#include "tls/plain_dialogue.h"

#include <deque>

#include <doctest/doctest.h>

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

/// Says one text after another, the next one when it was spoken to; then ends as it is told.
class ScriptedStream final : public ServerStream {
 public:
  ScriptedStream(std::deque<std::string> texts, StreamState end)
      : texts_(std::move(texts)), end_(end) {}
  StreamRead read(StreamDeadline) override {
    if (texts_.empty()) return {end_, {}};
    std::string text = texts_.front();
    texts_.pop_front();
    return {StreamState::octets, std::move(text)};
  }
  bool write(std::string_view octets, StreamDeadline) override {
    said += octets;
    return true;
  }
  std::string said;

 private:
  std::deque<std::string> texts_;
  StreamState end_;
};

PlainDialogue spoken(ServerProtocol protocol, std::deque<std::string> texts,
                     StreamState end = StreamState::ended, std::string* said = nullptr) {
  ScriptedStream stream(std::move(texts), end);
  const PlainLimits limits{2s, 1s, std::chrono::steady_clock::now() + 5s};
  PlainDialogue dialogue = speak_plain(stream, protocol, "audit.example", limits);
  if (said != nullptr) *said = stream.said;
  return dialogue;
}

const std::string kGreeting = "220 mx.example.org ESMTP\r\n";

}  // namespace

TEST_CASE("SMTP up to STARTTLS (RFC 3207)") {
  const struct {
    const char* why;
    std::deque<std::string> texts;
    bool ready;
    bool starttls;
    std::vector<std::string> logins;
    std::string trouble;
  } rows[] = {
      {"as it should be",
       {kGreeting, "250-mx.example.org\r\n250-SIZE 10\r\n250 STARTTLS\r\n", "220 go ahead\r\n"},
       true,
       true,
       {},
       ""},
      {"in pieces, of any case, with bare line feeds",
       {"220", " mx\n", "250-mx\n250-star", "ttls\n250 HELP\n", "22", "0\n"},
       true,
       true,
       {},
       ""},
      {"a greeting of more lines, as postscreen has it",
       {"220-mx\r\n", kGreeting, "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n"},
       true,
       true,
       {},
       ""},
      {"no STARTTLS",
       {kGreeting, "250-mx\r\n250 SIZE\r\n"},
       false,
       false,
       {},
       "STARTTLS is not offered"},
      {"the server's name is not a feature",
       {kGreeting, "250 STARTTLS\r\n"},
       false,
       false,
       {},
       "STARTTLS is not offered"},
      {"STARTTLS is a word, not the beginning of one",
       {kGreeting, "250-mx\r\n250 STARTTLSX\r\n"},
       false,
       false,
       {},
       "STARTTLS is not offered"},
      {"named, and then refused",
       {kGreeting, "250-mx\r\n250 STARTTLS\r\n", "454 4.7.0 TLS not available\r\n"},
       false,
       true,
       {},
       "STARTTLS was answered by 454 4.7.0 TLS not available"},
      {"logins before TLS",
       {kGreeting, "250-mx\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 STARTTLS\r\n", "220 go\r\n"},
       true,
       true,
       {"PLAIN", "LOGIN"},
       ""},
      {"the old form, twice",
       {kGreeting, "250-mx\r\n250-AUTH=PLAIN\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n", "220 go\r\n"},
       true,
       true,
       {"PLAIN"},
       ""},
      {"a login that says nothing of the password",
       {kGreeting, "250-mx\r\n250-AUTH SCRAM-SHA-256\r\n250 STARTTLS\r\n", "220 go\r\n"},
       true,
       true,
       {},
       ""},
      {"not for us", {"554 no\r\n"}, false, false, {}, "the server greets with 554 no"},
      {"EHLO is not known",
       {kGreeting, "502 what?\r\n"},
       false,
       false,
       {},
       "EHLO was answered by 502 what?"},
      {"another protocol",
       {"SSH-2.0-OpenSSH_9.2\r\n"},
       false,
       false,
       {},
       "the server does not speak SMTP: SSH-2.0-OpenSSH_9.2"},
      {"control characters are shown",
       {"554 \x1b[2J\r\n"},
       false,
       false,
       {},
       "the server greets with 554 \\x1b[2J"},
      {"it hangs up", {kGreeting}, false, false, {}, "the server hung up (EHLO)"},
      {"lines without end",
       {std::string(5000, 'x')},
       false,
       false,
       {},
       "a line is too long (greeting)"},
      {"more lines than anybody has",
       {kGreeting,
        [] {
          std::string all;
          for (int i = 0; i < 200; ++i) all += "250-x\r\n";
          return all;
        }()},
       false,
       false,
       {},
       "the server's reply has too many lines"},
      {"more octets than anybody has",
       {kGreeting,
        [] {
          std::string all;
          for (int i = 0; i < 20; ++i) all += "250-" + std::string(3000, 'x') + "\r\n";
          return all;
        }()},
       false,
       false,
       {},
       "the server says too much (EHLO)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const PlainDialogue dialogue = spoken(ServerProtocol::smtp, row.texts);
    CHECK(dialogue.ready == row.ready);
    CHECK(dialogue.starttls == row.starttls);
    CHECK(dialogue.plain_logins == row.logins);
    CHECK(dialogue.trouble == row.trouble);
    CHECK_FALSE(dialogue.late);
    CHECK_FALSE(dialogue.has_early_octets);
  }
}

TEST_CASE("IMAP and POP3 up to TLS (RFC 9051 section 6.2.1, RFC 2595 section 4)") {
  const struct {
    const char* why;
    ServerProtocol protocol;
    std::deque<std::string> texts;
    bool ready;
    bool starttls;
    std::vector<std::string> logins;
    std::string trouble;
  } rows[] = {
      {"Dovecot that wants TLS",
       ServerProtocol::imap,
       {"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] Dovecot ready.\r\n",
        "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK done\r\n", "a2 OK Begin TLS\r\n"},
       true,
       true,
       {},
       ""},
      {"Dovecot that does not",
       ServerProtocol::imap,
       {"* OK ready\r\n", "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\na1 OK done\r\n",
        "a2 OK Begin TLS\r\n"},
       true,
       true,
       {"PLAIN", "LOGIN"},
       ""},
      {"no STARTTLS",
       ServerProtocol::imap,
       {"* OK ready\r\n", "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\na1 OK done\r\n"},
       false,
       false,
       {},
       "STARTTLS is not offered"},
      {"PREAUTH",
       ServerProtocol::imap,
       {"* PREAUTH ready\r\n"},
       false,
       false,
       {},
       "the server greets with PREAUTH, so there is no STARTTLS"},
      {"BYE",
       ServerProtocol::imap,
       {"* BYE too many\r\n"},
       false,
       false,
       {},
       "the server greets with * BYE too many"},
      {"refused",
       ServerProtocol::imap,
       {"* OK ready\r\n", "* CAPABILITY STARTTLS LOGINDISABLED\r\na1 OK\r\n", "a2 NO not now\r\n"},
       false,
       true,
       {},
       "STARTTLS was answered by a2 NO not now"},
      {"another's tag is not an answer",
       ServerProtocol::imap,
       {"* OK ready\r\n", "a9 OK done\r\n"},
       false,
       false,
       {},
       "the server does not speak IMAP: a9 OK done"},
      {"POP3",
       ServerProtocol::pop3,
       {"+OK ready\r\n", "+OK\r\nSTLS\r\nSASL\r\nUIDL\r\n.\r\n", "+OK Begin TLS\r\n"},
       true,
       true,
       {},
       ""},
      {"POP3 with logins",
       ServerProtocol::pop3,
       {"+OK ready\r\n", "+OK\r\nUSER\r\nSTLS\r\nSASL PLAIN\r\n.\r\n", "+OK Begin TLS\r\n"},
       true,
       true,
       {"USER", "PLAIN"},
       ""},
      {"POP3 without STLS",
       ServerProtocol::pop3,
       {"+OK ready\r\n", "+OK\r\nSASL\r\n.\r\n"},
       false,
       false,
       {},
       "STARTTLS is not offered"},
      // RFC 1939: without CAPA there is USER.
      {"POP3 of the last century",
       ServerProtocol::pop3,
       {"+OK ready\r\n", "-ERR what?\r\n"},
       false,
       false,
       {"USER"},
       "CAPA was answered by -ERR what?"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const PlainDialogue dialogue = spoken(row.protocol, row.texts);
    CHECK(dialogue.ready == row.ready);
    CHECK(dialogue.starttls == row.starttls);
    CHECK(dialogue.plain_logins == row.logins);
    CHECK(dialogue.trouble == row.trouble);
  }
}

TEST_CASE("what is said to the server") {
  std::string said;
  spoken(ServerProtocol::submission, {kGreeting, "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n"},
         StreamState::ended, &said);
  CHECK(said == "EHLO audit.example\r\nSTARTTLS\r\n");
}

TEST_CASE("octets in the clear behind STARTTLS are not trusted (RFC 3207 section 4.2)") {
  const PlainDialogue dialogue =
      spoken(ServerProtocol::smtp,
             {kGreeting, "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n"});
  CHECK(dialogue.ready);
  CHECK(dialogue.has_early_octets);
  CHECK(dialogue.plain_logins.empty());
}

TEST_CASE("why a server says no more") {
  const PlainDialogue late = spoken(ServerProtocol::smtp, {kGreeting}, StreamState::late);
  CHECK(late.late);
  CHECK(late.trouble == "the server did not answer in time (EHLO)");
  const PlainDialogue reset = spoken(ServerProtocol::smtp, {}, StreamState::reset);
  CHECK_FALSE(reset.late);
  CHECK(reset.trouble == "the server reset the connection (greeting)");
}
