#include "report_sending/sendmail_carrier.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "support/temporary_folder.h"

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

using State = Carried::State;

/// A program of that text, which says where its folder is in $D.
std::string program(const TemporaryFolder& folder, const std::string& text) {
  const auto path =
      folder.write("sendmail", "#!/bin/sh\nD=" + folder.path().string() + "\n" + text + "\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path.string();
}

std::string content(const TemporaryFolder& folder, const std::string& name) {
  std::ifstream file(folder.path() / name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

const OutgoingReport kMail{{"d@example.com"}, "Subject: x\r\n\r\n.\r\nbody\r\n"};

}  // namespace

TEST_CASE("how a program like sendmail(1) is called") {
  const TemporaryFolder folder;
  SendmailCarrier carrier(program(folder,
                                  "cat > $D/mail; printf '%s\\n' \"$@\" > $D/words; env > $D/env; "
                                  "ps -o pgid= -p $$ > $D/group"),
                          "dmarc@example.org", 10s);
  const OutgoingReport mail{{"-oQ/tmp@example.com", "$(id)@example.com"}, kMail.octets};
  CHECK(carrier.carry(mail).state == State::done);
  // No shell reads the words, and what begins with a hyphen is no option.
  CHECK(content(folder, "words") ==
        "-i\n-f\ndmarc@example.org\n--\n-oQ/tmp@example.com\n$(id)@example.com\n");
  // The line ends of the system; a dot alone does not end the mail (-i).
  CHECK(content(folder, "mail") == "Subject: x\n\n.\nbody\n");
  CHECK(content(folder, "env").find("HOME=") == std::string::npos);
  CHECK(std::stol(content(folder, "group")) != ::getpgrp());
}

TEST_CASE("what a program's end means") {
  const struct {
    const char* why;
    const char* text;
    State state;
    const char* detail;  // behind the program's path
  } rows[] = {
      {"taken", "cat >/dev/null", State::done, ""},
      {"taken, with a word", "cat >/dev/null; echo; echo queued as 4Xk2", State::done,
       "queued as 4Xk2"},
      {"EX_TEMPFAIL", "exit 75", State::later, ": ended with status 75"},
      {"EX_UNAVAILABLE, as Postfix has it where its queue is full",
       "echo 'postdrop: warning: queue is full' >&2; exit 69", State::later,
       ": ended with status 69: postdrop: warning: queue is full"},
      {"EX_USAGE: not the destination's fault", "exit 64", State::later, ": ended with status 64"},
      {"EX_NOUSER", "echo no such user; exit 67", State::refused,
       ": ended with status 67: no such user"},
      {"EX_NOHOST", "exit 68", State::refused, ": ended with status 68"},
      {"killed: it may have taken the mail", "kill -9 $$", State::unknown, ": was killed"},
      {"not reading its input is its own affair", "exit 0", State::done, ""},
      {"control characters do not reach a terminal", "printf '\\033[2Jgone\\n'; exit 75",
       State::later, ": ended with status 75: \\x1b[2Jgone"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const TemporaryFolder folder;
    const std::string path = program(folder, row.text);
    const Carried carried = SendmailCarrier(path, "a@b.example", 10s).carry(kMail);
    CHECK(carried.state == row.state);
    CHECK(carried.detail == (row.state == State::done ? row.detail : path + row.detail));
  }
}

TEST_CASE("a program that is not there, or is none") {
  const TemporaryFolder folder;
  const Carried missing = SendmailCarrier(folder.path() / "none", "a@b.example", 10s).carry(kMail);
  CHECK(missing.state == State::later);
  CHECK(missing.detail.ends_with("/none: No such file or directory"));
  const Carried text = SendmailCarrier(folder.write("text", "x"), "a@b.example", 10s).carry(kMail);
  CHECK(text.state == State::later);
  CHECK(text.detail.ends_with("/text: Permission denied"));
}

TEST_CASE("a program that does not end is killed with what it has started") {
  const TemporaryFolder folder;
  const auto begin = std::chrono::steady_clock::now();
  const Carried carried =
      SendmailCarrier(program(folder, "sleep 60 & echo $! > $D/child; wait"), "a@b.example", 300ms)
          .carry(kMail);
  CHECK(std::chrono::steady_clock::now() - begin < 30s);
  CHECK(carried.state == State::unknown);
  CHECK(carried.detail.ends_with(": has not ended in time"));
  const std::string child = "/proc/" + std::to_string(std::stol(content(folder, "child")));
  for (int i = 0; i < 500 && std::filesystem::exists(child + "/exe"); ++i)
    std::this_thread::sleep_for(10ms);
  CHECK_FALSE(std::filesystem::exists(child + "/exe"));
}

TEST_CASE("what a program goes on with behind its end keeps nobody waiting") {
  const TemporaryFolder folder;
  const auto begin = std::chrono::steady_clock::now();
  const Carried carried =
      SendmailCarrier(program(folder, "cat >/dev/null; sleep 20 & exit 0"), "a@b.example", 30s)
          .carry(kMail);
  CHECK(carried.state == State::done);
  CHECK(std::chrono::steady_clock::now() - begin < 15s);
}

TEST_CASE("a program that writes without end is read and dropped") {
  const TemporaryFolder folder;
  const Carried carried =
      SendmailCarrier(program(folder, "head -c 5000000 /dev/zero | tr '\\0' x; exit 75"),
                      "a@b.example", 30s)
          .carry(kMail);
  CHECK(carried.state == State::later);
  CHECK(carried.detail.size() < 1000);
}

TEST_CASE("a mail of many megabytes fits") {
  const TemporaryFolder folder;
  OutgoingReport mail = kMail;
  mail.octets.append(8U << 20U, 'x');
  CHECK(SendmailCarrier(program(folder, "sleep 0.1; wc -c > $D/count"), "a@b.example", 30s)
            .carry(mail)
            .state == State::done);
  CHECK(std::stoul(content(folder, "count")) == mail.octets.size() - 4);
}
