#include "process.h"

#include <time.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace bench {
namespace {

std::chrono::nanoseconds clock_time(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

FilterProcesses::FilterProcesses(const std::string& text) : name_(text.substr(0, text.find('='))) {
  if (name_.size() == text.size()) throw std::runtime_error("--watch takes NAME=PID,PID...");
  std::istringstream list(text.substr(name_.size() + 1));
  for (std::string pid; std::getline(list, pid, ',');)
    pids_.push_back(static_cast<pid_t>(std::stol(pid)));
}

std::chrono::nanoseconds FilterProcesses::cpu_time() const {
  std::chrono::nanoseconds sum{};
  for (const auto pid : pids_) {
    clockid_t clock{};
    if (::clock_getcpuclockid(pid, &clock) == 0) sum += clock_time(clock);
  }
  return sum;
}

double FilterProcesses::user_share() const {
  double user = 0;
  double system = 0;
  for (const auto pid : pids_) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    // Behind the name in brackets, which may hold anything: the twelfth and thirteenth field.
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user_ticks = 0;
    double system_ticks = 0;
    fields >> user_ticks >> system_ticks;
    user += user_ticks;
    system += system_ticks;
  }
  return user + system > 0 ? user / (user + system) : 0;
}

long FilterProcesses::resident_kb() const {
  long sum = 0;
  for (const auto pid : pids_) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("VmRSS:")) sum += std::stol(line.substr(6));
  }
  return sum;
}

std::chrono::nanoseconds own_cpu_time() { return clock_time(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace bench
