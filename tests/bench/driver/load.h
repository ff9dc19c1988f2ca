#pragma once

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "message.h"
#include "process.h"
#include "session.h"

namespace bench {

/// How messages are played to filters.
struct Load {
  std::vector<std::string> filters;  // paths of their sockets, in their order
  std::vector<Message> messages;     // in turn
  unsigned connections = 1;          // at a time; each carries one message
  unsigned long most_messages = 0;   // 0: as many as the time allows
  std::chrono::duration<double> time{1};
  unsigned long warm_up = 0;  // messages that are not counted
  double rate = 0;  // messages that begin in a second; 0: the next when the last has its verdict
  unsigned long first_number = 0;
  /// What must stand in a field that the filters add, or the message is counted as lacking it.
  std::vector<std::string> required;
};

struct Memory {
  long before_kb = 0;
  long most_kb = 0;  // seen while messages were played
  long after_kb = 0;
};

struct Report {
  unsigned long messages = 0;
  std::chrono::duration<double> time{};
  std::vector<double> cpu_us;  // of one message, by process in the order given
  double driver_cpu_us = 0;
  std::vector<Memory> memory;  // by process
  std::vector<double>
      whole_ms;  // of each message, from connecting (or when it was due) to the verdict; sorted
  std::vector<double> after_end_ms;  // from the message's end to the verdict; sorted
  std::array<unsigned long, kVerdicts> verdicts{};
  std::map<std::string, unsigned long> lacking;
  std::map<std::string, unsigned long> errors;
};

/// Plays the load, and watches `processes` meanwhile.
Report run(const Load& load, const std::vector<FilterProcesses>& processes);

/// Of sorted values.
double percentile(const std::vector<double>& sorted, double percent);

/// Opens connections, greets on each, and holds them: memory with none of them, and with all.
std::vector<Memory> hold_idle(const std::string& filter, unsigned connections,
                              std::chrono::duration<double> time,
                              const std::vector<FilterProcesses>& processes);

}  // namespace bench
