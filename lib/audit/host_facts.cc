#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <authmilter/audit_host.h>

#include "base/ascii.h"
#include "base/descriptor.h"
#include "base/file.h"
#include "dns/check/dns_client.h"
#include "dns/resolv_conf.h"

extern char** environ;

namespace authmilter {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// postconf reads two files and prints some eighty kilobytes.
constexpr auto kLongest = 10s;
constexpr auto kTick = 10ms;
constexpr std::size_t kMostOctets = 1UL << 20U;

/// Starts a program without a shell; what it writes to standard output goes to `output`.
Result<pid_t> start(const std::string& program, const std::vector<std::string>& arguments,
                    int output) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  // In a group of its own, so that what it starts ends with it when it takes too long.
  posix_spawnattr_t attributes{};
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child = -1;
  const int error =
      ::posix_spawn(&child, program.c_str(), &actions, &attributes, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return Error{program + ": " + error_text(error)};
  return child;
}

/// All that comes until the end; nothing when it is too much or takes too long.
std::optional<std::string> read_to_the_end(int from, Clock::time_point until) {
  std::string text;
  std::array<char, 16384> piece{};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd one{from, POLLIN, 0};
    const int ready = left <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    const ssize_t got = ::read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > kMostOctets) return std::nullopt;
  }
}

/// The status as waitpid(2) has it; who does not end by `until` is ended.
int wait_for(pid_t child, Clock::time_point until) {
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (Clock::now() >= until) {
      ::kill(-child, SIGKILL);
      ::waitpid(child, &status, 0);
      return status;
    }
    std::this_thread::sleep_for(kTick);
  }
  return status;
}

Result<std::string> output_of(const std::string& program,
                              const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Error{program + ": " + error_text(errno)};
  const Descriptor reading(ends[0]);
  const auto until = Clock::now() + kLongest;
  const auto child = start(program, arguments, ends[1]);
  ::close(ends[1]);  // so that the end is seen when the program ends
  if (!child) return child.error();
  const auto text = read_to_the_end(reading.get(), until);
  const int status = wait_for(*child, text ? until : Clock::now());
  if (!text) return Error{program + ": takes too long, or prints too much"};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Error{program + ": failed"};
  return *text;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) {
    if (!trim_wsp(line).empty() && line.front() != '#') lines.emplace_back(trim_wsp(line));
  }
  return lines;
}

/// Programs without a configuration are no mail server.
bool is_set_up(const std::string& postconf) {
  const auto directory = output_of(postconf, {"-d", "-h", "config_directory"});
  if (!directory) return true;
  const char* other = std::getenv("MAIL_CONFIG");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  const std::string folder(other != nullptr ? other : trim_fws(*directory));
  return ::access((folder + "/main.cf").c_str(), F_OK) == 0;
}

void add_postfix(HostFacts& facts, const std::string& postconf) {
  // No Postfix here is no trouble.
  if (::access(postconf.c_str(), F_OK) != 0) return;
  // All settings with their defaults, names of others in their values replaced.
  const auto settings = output_of(postconf, {"-x"});
  const auto services = output_of(postconf, {"-M"});
  if (!settings || !services) {
    if (!is_set_up(postconf)) return;
    facts.postfix_trouble = settings ? services.error().message : settings.error().message;
    return;
  }
  facts.postfix = parse_postconf(*settings);
  facts.postfix_services = lines_of(*services);
  const auto version = facts.postfix.find("mail_version");
  if (version != facts.postfix.end()) facts.postfix_version = version->second;
  if (facts.postfix.empty()) facts.postfix_trouble = postconf + ": prints no settings";
}

DnsFault fault_of(const DirectReply& reply) {
  switch (reply.outcome) {
    case DirectReply::Outcome::answered:
      // A resolver that finds a signature wrong says SERVFAIL (RFC 4035 section 5.5).
      return reply.rcode == 0 && reply.records > 0 ? DnsFault::none : DnsFault::servfail;
    case DirectReply::Outcome::silent:
    case DirectReply::Outcome::refused:
      return DnsFault::timeout;
    case DirectReply::Outcome::unreadable:
      return DnsFault::malformed;
  }
  return DnsFault::malformed;
}

std::optional<DirectReply> ask(const NameServer& server, const std::string& name,
                               std::chrono::milliseconds timeout) {
  const auto parsed = DomainName::parse(name);
  if (!parsed) return std::nullopt;
  DirectQuestion question{DnsName(*parsed), RrType::a};
  DirectReply reply = ask_directly(server, question, timeout);
  if (!reply.truncated) return reply;
  question.transport = DirectQuestion::Transport::tcp;
  return ask_directly(server, question, timeout);
}

void add_resolver(HostFacts& facts, const HostQuestions& questions) {
  const SystemNameServers system = read_resolv_conf(questions.resolv_conf);
  facts.signed_name = questions.signed_name;
  facts.bogus_name = questions.bogus_name;
  for (const NameServer& server : system.servers) {
    facts.name_servers.push_back(server.text());
    // Of each the worst counts: programs ask the next one when the first is slow.
    if (const auto reply = ask(server, questions.signed_name, questions.timeout)) {
      const DnsFault fault = fault_of(*reply);
      const bool first = !facts.signed_name_fault;
      if (first || *facts.signed_name_fault == DnsFault::none) facts.signed_name_fault = fault;
      facts.signed_name_secure = (first || facts.signed_name_secure) && reply->authentic;
    }
    if (const auto reply = ask(server, questions.bogus_name, questions.timeout)) {
      const DnsFault fault = fault_of(*reply);
      if (!facts.bogus_name_fault || fault == DnsFault::none) facts.bogus_name_fault = fault;
    }
  }
}

}  // namespace

std::map<std::string, std::string> parse_postconf(const std::string& printed) {
  std::map<std::string, std::string> settings;
  for (const std::string& line : lines_of(printed)) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    settings[std::string(trim_wsp(std::string_view(line).substr(0, equals)))] =
        trim_wsp(std::string_view(line).substr(equals + 1));
  }
  return settings;
}

std::map<std::string, std::string> configuration_settings(const std::string& printed) {
  std::map<std::string, std::string> settings;
  std::string table;
  bool repeated = false;
  for (const std::string& line : lines_of(printed)) {
    if (line.starts_with("[")) {
      repeated = line.starts_with("[[");
      table = line.substr(1, line.find(']') - 1);
      continue;
    }
    const std::size_t equals = line.find(" = ");
    if (repeated || equals == std::string::npos) continue;
    std::string value = line.substr(equals + 3);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    settings[table + "." + line.substr(0, equals)] = value;
  }
  return settings;
}

HostFacts gather_host(const HostQuestions& questions) {
  HostFacts facts;
  add_postfix(facts, questions.postconf);
  const bool on_the_mail_server = !facts.postfix.empty() || !facts.postfix_trouble.empty();
  if (on_the_mail_server) add_resolver(facts, questions);
  return facts;
}

}  // namespace authmilter
