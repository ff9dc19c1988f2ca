#include <authmilter/host_name.h>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/ascii.h"
#include "base/c_handle.h"
#include "base/descriptor.h"
#include "config/qualified_name.h"

namespace authmilter {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 5s;
constexpr std::size_t kNameOctets = 255;  // RFC 1035 section 2.3.4

using AddressList = CHandle<addrinfo, freeaddrinfo>;

/// What the system's resolver (/etc/hosts, the DNS) calls the host.
std::string canonical_name(const std::string& name) {
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return {};
  const AddressList list(found);
  return list->ai_canonname == nullptr ? std::string() : std::string(list->ai_canonname);
}

/// Everything that comes until the other end is closed, or until `patience` is at its end: then
/// nothing.
std::string read_until_closed(int fd, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string text;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left <= 0ms || text.size() > kNameOctets) return {};
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready == 0 || (ready < 0 && errno != EINTR)) return {};
    if (ready < 0) continue;
    std::array<char, kNameOctets> piece{};
    const auto got = read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

[[noreturn]] void answer_and_exit(const std::function<std::string(const std::string& name)>& ask,
                                  const std::string& name, int fd) noexcept {
  try {
    const std::string answer = ask(name);
    [[maybe_unused]] const auto written = write(fd, answer.data(), answer.size());
  } catch (...) {
    // Out of memory: no answer.
  }
  _exit(0);
}

/// getaddrinfo() has no time limit of its own: with name servers that do not answer it waits a
/// minute, with other sources of names for ever. A thread that hangs in it could not be ended.
std::string ask_in_time(const std::string& name,
                        const std::function<std::string(const std::string& name)>& ask,
                        std::chrono::milliseconds patience) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const Descriptor reading(ends[0]);
  const pid_t child = [&] {
    const Descriptor writing(ends[1]);
    const pid_t forked = fork();
    if (forked == 0) answer_and_exit(ask, name, writing.get());
    return forked;
  }();
  if (child < 0) return {};
  std::string answer = read_until_closed(reading.get(), patience);
  kill(child, SIGKILL);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return answer;
}

}  // namespace

std::string qualified_name(std::string_view given,
                           const std::function<std::string(const std::string& name)>& ask,
                           std::chrono::milliseconds patience) {
  std::string name = to_lower(given);
  if (name.empty()) return "localhost";
  if (name.find('.') != std::string::npos) return name;
  std::string answer = to_lower(ask_in_time(name, ask, patience));
  return answer.empty() ? name : answer;
}

std::string host_name() {
  std::array<char, kNameOctets + 1> buffer{};
  if (gethostname(buffer.data(), buffer.size() - 1) != 0) return "localhost";
  return qualified_name(buffer.data(), canonical_name, kPatience);
}

}  // namespace authmilter
