#include "report_sending/sendmail_carrier.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/descriptor.h"
#include "base/file.h"

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;
using State = Carried::State;

// Of what the program says, for people; the rest is read and dropped.
constexpr std::size_t kOutputOctets = 400;

/// sendmail(1) takes the line ends of the system.
std::string with_lf(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i];
  }
  return out;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::lseek(descriptor, 0, SEEK_SET) == 0;
}

/// A program that was started, with what it writes.
class Child {
 public:
  Child(const std::vector<std::string>& words, int input) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      error_ = errno;
      return;
    }
    output_ = ends[0];
    ::fcntl(output_, F_SETFL, O_NONBLOCK);
    start(words, input, ends[1]);
    ::close(ends[1]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (output_ >= 0) ::close(output_);
  }
  int error() const { return error_; }

  /// How it ended; nothing where it had to be killed.
  std::optional<int> wait(Clock::time_point until) {
    constexpr int kTickMilliseconds = 20;
    int status = 0;
    for (;;) {
      const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
      if (ended == pid_) break;
      if (ended < 0 && errno != EINTR) return std::nullopt;
      if (Clock::now() >= until) {
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
        return std::nullopt;
      }
      // Its output may stay open behind it, with what it has started.
      pollfd ready{output_, POLLIN, 0};
      ::poll(&ready, 1, kTickMilliseconds);
      if (!read_output() && (ready.revents & POLLHUP) != 0) ::poll(nullptr, 0, kTickMilliseconds);
    }
    read_output();
    return status;
  }
  const std::string& text() const { return text_; }

 private:
  void start(const std::vector<std::string>& words, int input, int output) {
    std::vector<char*> arguments;
    for (const std::string& word : words)
      arguments.push_back(const_cast<char*>(word.c_str()));  // NOLINT: posix_spawn(3) changes none
    arguments.push_back(nullptr);
    // Nothing of our environment is its business.
    std::array<std::string, 2> variables{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
    std::array<char*, 3> environment{variables[0].data(), variables[1].data(), nullptr};
    posix_spawn_file_actions_t actions{};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    // In a group of its own: what stops us need not stop it, and it ends with what it has started
    // when it takes too long.
    posix_spawnattr_t attributes{};
    posix_spawnattr_init(&attributes);
    sigset_t all{};
    sigfillset(&all);
    sigset_t none{};
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes, 0);
    error_ = ::posix_spawn(&pid_, words.front().c_str(), &actions, &attributes, arguments.data(),
                           environment.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }

  /// False: there was nothing.
  bool read_output() {
    std::array<char, 4096> buffer{};
    bool any = false;
    for (;;) {
      const ssize_t got = ::read(output_, buffer.data(), buffer.size());
      if (got <= 0) return any;
      any = true;
      if (text_.size() < kOutputOctets) text_.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  pid_t pid_ = -1;
  int output_ = -1;
  int error_ = 0;
  std::string text_;
};

/// The first line that says something.
std::string first_line(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \r\n\t");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  return printable(text.substr(0, text.find_first_of("\r\n")), kOutputOctets);
}

}  // namespace

Carried SendmailCarrier::carry(const OutgoingReport& mail) {
  const Descriptor file(::memfd_create("report", MFD_CLOEXEC));
  if (!file.open() || !write_all(file.get(), with_lf(mail.octets)))
    return {State::later, "the mail cannot be put aside: " + error_text(errno)};
  std::vector<std::string> words{program_, "-i", "-f", from_, "--"};
  words.insert(words.end(), mail.recipients.begin(), mail.recipients.end());
  Child child(words, file.get());
  if (child.error() != 0) return {State::later, program_ + ": " + error_text(child.error())};
  const auto status = child.wait(Clock::now() + timeout_);
  if (!status) return {State::unknown, program_ + ": has not ended in time"};
  const std::string said = first_line(child.text());
  if (!WIFEXITED(*status)) return {State::unknown, program_ + ": was killed"};
  const std::string what = fmt::format("{}: ended with status {}{}{}", program_,
                                       WEXITSTATUS(*status), said.empty() ? "" : ": ", said);
  switch (WEXITSTATUS(*status)) {
    case EX_OK:
      return {State::done, said};
    case EX_NOUSER:
    case EX_NOHOST:
      return {State::refused, what};
    default:
      // All else is about this host, and somebody may mend it.
      return {State::later, what};
  }
}

}  // namespace authmilter
