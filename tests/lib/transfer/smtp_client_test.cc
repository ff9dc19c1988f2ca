#include "transfer/smtp_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/descriptor.h"

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

using State = SmtpOutcome::State;

/// A server on the loopback interface for one connection: answers each command by its first word
/// as the test says, "250 ok" otherwise, and writes down what it gets.
class Server {
 public:
  using Answers = std::map<std::string, std::string>;
  explicit Server(Answers answers) : answers_(std::move(answers)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_, generic, size) == 0);
    REQUIRE(::getsockname(listener_, generic, &size) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { stop(); }

  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }
  /// After the end.
  const std::vector<std::string>& commands() {
    stop();
    return commands_;
  }
  const std::string& mail() {
    stop();
    return mail_;
  }

 private:
  void stop() {
    if (!thread_.joinable()) return;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  void serve() {
    const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0) return;
    const Descriptor peer(accepted);
    const auto say = [&](const std::string& text) {
      // No answer, and the end of the connection.
      if (text == "close") return false;
      const std::string line = text + "\r\n";
      return ::send(accepted, line.data(), line.size(), MSG_NOSIGNAL) > 0;
    };
    if (!say(answer("greeting", "220 mx.test ESMTP"))) return;
    bool data = false;
    std::string held;
    char buffer[4096];
    for (;;) {
      const auto got = ::recv(accepted, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      held.append(buffer, static_cast<std::size_t>(got));
      for (std::size_t end = held.find("\r\n"); end != std::string::npos; end = held.find("\r\n")) {
        const std::string line = held.substr(0, end);
        held.erase(0, end + 2);
        if (data && line != ".") {
          mail_ += line + "\n";
          continue;
        }
        const std::string word = data ? "end" : line.substr(0, line.find(' '));
        if (!data) commands_.push_back(line);
        const std::string usual = word == "DATA" ? "354 go on" : "250 ok";
        const std::string text = data ? answer(word, usual) : answer(line, answer(word, usual));
        data = word == "DATA" && text.starts_with("354");
        if (!say(text)) return;
      }
    }
  }
  std::string answer(const std::string& word, const std::string& usual) const {
    const auto found = answers_.find(word);
    return found == answers_.end() ? usual : found->second;
  }

  Answers answers_;
  int listener_ = -1;
  unsigned port_ = 0;
  std::thread thread_;
  std::vector<std::string> commands_;
  std::string mail_;
};

SmtpOutcome send_to(const std::string& url, const std::string& mail = "Subject: x\r\n\r\nbody\r\n",
                    const std::vector<std::string>& recipients = {"d@example.com"}) {
  return send_by_smtp({url, "mx.example.org", 2s, 3s}, "dmarc@example.org", recipients, mail);
}

}  // namespace

TEST_CASE("a mail is handed over (RFC 5321)") {
  Server server(Server::Answers{{"end", "250 2.0.0 queued as 4Xk2"}});
  const SmtpOutcome outcome = send_to(server.url(), "Subject: x\r\n\r\n.\r\n..two\r\nlast\r\n",
                                      {"d@example.com", "e@example.com"});
  CHECK(outcome.state == State::accepted);
  CHECK(outcome.reply == "250 2.0.0 queued as 4Xk2");
  const auto commands = server.commands();
  REQUIRE(commands.size() >= 5);
  CHECK(commands[0] == "EHLO mx.example.org");
  CHECK(commands[1].starts_with("MAIL FROM:<dmarc@example.org>"));
  CHECK(commands[2] == "RCPT TO:<d@example.com>");
  CHECK(commands[3] == "RCPT TO:<e@example.com>");
  CHECK(commands[4] == "DATA");
  // RFC 5321 section 4.5.2: a line that begins with a dot gets another one.
  CHECK(server.mail() == "Subject: x\n\n..\n...two\nlast\n");
}

TEST_CASE("what the server's answers mean") {
  const struct {
    const char* why;
    Server::Answers answers;
    State state;
    std::string reply;
  } rows[] = {
      {"a recipient that there is not",
       {{"RCPT", "550 5.1.1 unknown"}},
       State::refused,
       "550 5.1.1 unknown"},
      {"one that is greylisted", {{"RCPT", "450 4.7.1 later"}}, State::later, "450 4.7.1 later"},
      {"the mail is refused at its end",
       {{"end", "554 5.7.1 spam"}},
       State::refused,
       "554 5.7.1 spam"},
      {"or at its beginning", {{"DATA", "554 5.5.1 no"}}, State::refused, "554 5.5.1 no"},
      {"or not taken now", {{"end", "451 4.3.0 busy"}}, State::later, "451 4.3.0 busy"},
      {"the server refuses us: an administrator may mend that",
       {{"greeting", "554 5.7.1 go away"}},
       State::later,
       "554 5.7.1 go away"},
      {"or our address", {{"MAIL", "553 5.1.8 who?"}}, State::later, "553 5.1.8 who?"},
      {"no answer to a whole mail", {{"end", "close"}}, State::unknown, ""},
      {"no answer before", {{"RCPT", "close"}}, State::later, ""},
      {"no answer at all", {{"greeting", "close"}}, State::later, ""},
      {"control characters", {{"RCPT", "550 \x1b[2J"}}, State::refused, "550 \\x1b[2J"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Server server(row.answers);
    const SmtpOutcome outcome = send_to(server.url());
    CHECK(outcome.state == row.state);
    if (row.reply.empty()) {
      CHECK_FALSE(outcome.reply.empty());
    } else {
      CHECK(outcome.reply == row.reply);
    }
  }
}

TEST_CASE("one recipient of two is enough") {
  Server server(Server::Answers{{"RCPT TO:<e@example.com>", "550 no"}});
  CHECK(send_to(server.url()).state == State::accepted);
}

TEST_CASE("a server that is not there, or says nothing") {
  CHECK(send_to("smtp://127.0.0.1:1").state == State::later);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const Descriptor owner(listener);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(listener, generic, size) == 0);
  REQUIRE(::getsockname(listener, generic, &size) == 0);
  REQUIRE(::listen(listener, 1) == 0);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(send_to("smtp://127.0.0.1:" + std::to_string(ntohs(address.sin_port))).state ==
        State::later);
  CHECK(std::chrono::steady_clock::now() - begin < 30s);
}

TEST_CASE("no other protocol is spoken") {
  CHECK(send_to("file:///etc/passwd").state == State::later);
  CHECK(send_to("http://127.0.0.1:1").state == State::later);
}
