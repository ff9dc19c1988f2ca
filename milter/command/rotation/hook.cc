#include "rotation/hook.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>

#include <fmt/format.h>

extern char** environ;

namespace authmilter::tools {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kLongest = 60s;
constexpr auto kTick = 20ms;

Error failure(const std::string& program, int error) {
  return Error{program + ": " + std::generic_category().message(error)};
}

/// Starts the program with `input` as its standard input, which fits a pipe.
Result<pid_t> start(const std::vector<std::string>& words, const std::string& input) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failure(words.front(), errno);
  // A change has a few kilobytes, a pipe room for sixty-four.
  const ssize_t written = ::write(ends[1], input.data(), input.size());
  ::close(ends[1]);
  if (written != static_cast<ssize_t>(input.size())) {
    ::close(ends[0]);
    return failure(words.front(), EIO);
  }
  std::vector<char*> arguments;
  for (const std::string& word : words)
    arguments.push_back(const_cast<char*>(word.c_str()));  // NOLINT: posix_spawn(3) changes none
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  // Our own output are records, and may go straight to nsupdate.
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  // In a group of its own, so that what it starts ends with it when it takes too long.
  posix_spawnattr_t attributes{};
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child = -1;
  const int error = ::posix_spawn(&child, words.front().c_str(), &actions, &attributes,
                                  arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(ends[0]);
  if (error != 0) return failure(words.front(), error);
  return child;
}

Status wait_for(pid_t child, const std::string& program) {
  const auto until = Clock::now() + kLongest;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (Clock::now() >= until) {
      ::kill(-child, SIGKILL);
      ::waitpid(child, &status, 0);
      return Error{program + ": has not ended within a minute"};
    }
    std::this_thread::sleep_for(kTick);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Done{};
  if (WIFEXITED(status))
    return Error{fmt::format("{}: ended with status {}", program, WEXITSTATUS(status))};
  return Error{program + ": was killed"};
}

}  // namespace

Json change_json(const RecordChange& change) {
  Json json = {{"action", to_string(change.kind)},
               {"domain", change.domain.text()},
               {"selector", change.selector.text()},
               {"name", change.name.text()},
               {"type", change.kind == RecordChange::Kind::alias ? "CNAME" : "TXT"},
               {"ttl", static_cast<std::uint64_t>(change.ttl.count())},
               {"record", change.text}};
  if (change.kind != RecordChange::Kind::alias) json.add("strings", txt_strings(change.text));
  return json;
}

std::vector<std::string> run_hook(const std::vector<std::string>& hook,
                                  const std::vector<RecordChange>& changes) {
  std::vector<std::string> failures;
  if (hook.empty()) return failures;
  for (const RecordChange& change : changes) {
    std::vector<std::string> words = hook;
    for (const std::string& word : {std::string(to_string(change.kind)), change.domain.text(),
                                    change.selector.text(), change.name.text()})
      words.push_back(word);
    const auto child = start(words, change_json(change).text() + "\n");
    const Status ended = child ? wait_for(*child, hook.front()) : Status(child.error());
    if (!ended) {
      failures.push_back(fmt::format("{} {} {}: {}", change.domain.text(), change.selector.text(),
                                     to_string(change.kind), ended.error().message));
    }
  }
  return failures;
}

}  // namespace authmilter::tools
