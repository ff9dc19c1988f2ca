#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "support/temporary_folder.h"

namespace authmilter {

/// A PostgreSQL of this machine's packages, which only we can reach: its data and its Unix socket
/// are in a folder of ours. It refuses to be root, so as root it is run as `nobody`.
class PostgresqlServer {
 public:
  /// Null, where it is not installed or does not start; `why` says which.
  static std::unique_ptr<PostgresqlServer> start(std::string& why) {
    const std::filesystem::path programs = newest();
    if (programs.empty()) {
      why = "no PostgreSQL in /usr/lib/postgresql (package postgresql)";
      return nullptr;
    }
    std::unique_ptr<PostgresqlServer> server(new PostgresqlServer(programs));
    if (!server->make() || !server->up()) {
      why = "PostgreSQL does not start here";
      return nullptr;
    }
    return server;
  }
  ~PostgresqlServer() { down("immediate"); }

  /// Where authmilter finds it.
  std::string uri(const std::string& database = "postgres") const {
    return "postgresql://reports@/" + database + "?host=" + folder_.path().string();
  }
  bool make_database(const std::string& name) {
    return run({"createdb", "-h", folder_.path(), "-U", "reports", name});
  }
  bool up() {
    return run({"pg_ctl", "-D", data(), "-w", "-t", "60", "-l", folder_.path() / "log", "-o",
                "-c listen_addresses= -c fsync=off -k " + folder_.path().string(), "start"});
  }
  /// `mode` as pg_ctl's: "immediate" is as a power cut.
  bool down(const std::string& mode) {
    return run({"pg_ctl", "-D", data(), "-w", "-m", mode, "stop"});
  }
  /// The processes stop where they are; or go on.
  void freeze() { signal(SIGSTOP); }
  void thaw() { signal(SIGCONT); }

 private:
  explicit PostgresqlServer(std::filesystem::path programs) : programs_(std::move(programs)) {}

  static std::filesystem::path newest() {
    std::filesystem::path found;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
      if (std::filesystem::exists(entry.path() / "bin/initdb") &&
          (found.empty() || entry.path() > found))
        found = entry.path();
    }
    return found.empty() ? found : found / "bin";
  }

  std::string data() const { return folder_.path() / "data"; }

  bool make() {
    if (::geteuid() == 0) {
      std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
    }
    return run({"initdb", "-D", data(), "-A", "trust", "-U", "reports", "-E", "UTF8", "--no-sync",
                "--locale=C"});
  }

  void signal(int number) const {
    // The first line of its file is the postmaster's number; its children are a group of theirs
    // each.
    std::ifstream file(data() + "/postmaster.pid");
    int pid = 0;
    if (file >> pid && pid > 1) {
      for (const int each : children(pid)) ::kill(each, number);
      ::kill(pid, number);
    }
  }

  static std::vector<int> children(int parent) {
    std::ifstream file("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
                       "/children");
    std::vector<int> found;
    for (int pid = 0; file >> pid;) found.push_back(pid);
    return found;
  }

  bool run(std::vector<std::string> words) const {
    words.front() = (programs_ / words.front()).string();
    if (::geteuid() == 0) {
      std::vector<std::string> as_nobody{"/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup",
                                         "--clear-groups"};
      words.insert(words.begin(), as_nobody.begin(), as_nobody.end());
    }
    const pid_t child = ::fork();
    if (child == 0) {
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      const int nowhere = ::open("/dev/null", O_WRONLY);
      if (::chdir("/") != 0 || ::dup2(nowhere, STDOUT_FILENO) < 0) ::_exit(127);
      ::execv(arguments.front(), arguments.data());
      ::_exit(127);
    }
    int status = -1;
    return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
  }

  const std::filesystem::path programs_;
  TemporaryFolder folder_;
};

}  // namespace authmilter
