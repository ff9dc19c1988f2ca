#include "load.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

namespace bench {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr std::chrono::milliseconds kMemoryEvery{20};
// With so many messages that came to nothing a figure says nothing any more.
constexpr unsigned long kMostErrors = 20;

bool has_text(const std::vector<HeaderField>& fields, const std::string& text) {
  return std::any_of(fields.begin(), fields.end(), [&](const HeaderField& field) {
    std::string line = field.name + ":" + field.value;
    // What is looked for does not know of folds.
    std::erase_if(line, [](char one) { return one == '\n' || one == '\t'; });
    return line.find(text) != std::string::npos;
  });
}

/// The messages of one run, whichever connection plays them.
class Players {
 public:
  Players(const Load& load, Report& report) : load_(load), report_(report) {}

  /// `messages`: at most so many; 0: until the time is over.
  void play_all(unsigned long messages, bool counted) {
    most_ = messages;
    counted_ = counted;
    next_ = 0;
    begin_ = Clock::now();
    std::vector<std::thread> threads;
    threads.reserve(load_.connections);
    for (unsigned i = 0; i < load_.connections; ++i) threads.emplace_back([this] { play_some(); });
    for (auto& thread : threads) thread.join();
    number_ += next_;
    if (counted) report_.time = Clock::now() - begin_;
  }

 private:
  void play_some() {
    Report mine;
    for (;;) {
      const unsigned long turn = next_.fetch_add(1);
      if (most_ != 0 && turn >= most_) break;
      auto due = Clock::now();
      if (counted_ && load_.rate > 0) {
        due = begin_ + std::chrono::duration_cast<Clock::duration>(
                           std::chrono::duration<double>(static_cast<double>(turn) / load_.rate));
        std::this_thread::sleep_until(due);
      }
      if (counted_ && due - begin_ >= load_.time) break;
      if (errors_ >= kMostErrors) break;
      one(turn, due, mine);
    }
    add(mine);
  }

  void one(unsigned long turn, Clock::time_point due, Report& mine) {
    const unsigned long number = load_.first_number + number_ + turn;
    const auto& message = load_.messages[turn % load_.messages.size()];
    const std::string queue_id = "4Bench" + std::to_string(number);
    try {
      const auto outcome = message.numbered
                               ? play(load_.filters, with_number(message, number), queue_id)
                               : play(load_.filters, message, queue_id);
      mine.whole_ms.push_back(Milliseconds(Clock::now() - due).count());
      mine.after_end_ms.push_back(Milliseconds(outcome.after_end).count());
      ++mine.messages;
      ++mine.verdicts.at(static_cast<std::size_t>(outcome.verdict));
      for (const auto& text : load_.required)
        if (!has_text(outcome.added, text)) ++mine.lacking[text];
    } catch (const FilterError& error) {
      ++mine.errors[error.what()];
      ++errors_;
    }
  }

  void add(const Report& mine) {
    const std::lock_guard lock(mutex_);
    for (const auto& [text, count] : mine.errors) report_.errors[text] += count;
    if (!counted_) return;
    report_.messages += mine.messages;
    report_.whole_ms.insert(report_.whole_ms.end(), mine.whole_ms.begin(), mine.whole_ms.end());
    report_.after_end_ms.insert(report_.after_end_ms.end(), mine.after_end_ms.begin(),
                                mine.after_end_ms.end());
    for (std::size_t i = 0; i < kVerdicts; ++i) report_.verdicts.at(i) += mine.verdicts.at(i);
    for (const auto& [text, count] : mine.lacking) report_.lacking[text] += count;
  }

  const Load& load_;
  Report& report_;
  unsigned long most_ = 0;
  bool counted_ = false;
  unsigned long number_ = 0;  // of messages played before
  std::atomic<unsigned long> next_{0};
  std::atomic<unsigned long> errors_{0};
  Clock::time_point begin_;
  std::mutex mutex_;
};

/// Looks at the memory of processes as long as it lives, once at least: two messages may be over
/// before the thread has begun.
class MemoryWatch {
 public:
  MemoryWatch(const std::vector<FilterProcesses>& processes, std::vector<Memory>& memory)
      : processes_(processes), memory_(memory), thread_([this] {
          do {
            look();
            std::this_thread::sleep_for(kMemoryEvery);
          } while (!stop_);
        }) {}
  ~MemoryWatch() {
    stop_ = true;
    thread_.join();
  }
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

 private:
  void look() {
    for (std::size_t i = 0; i < processes_.size(); ++i)
      memory_[i].most_kb = std::max(memory_[i].most_kb, processes_[i].resident_kb());
  }

  const std::vector<FilterProcesses>& processes_;
  std::vector<Memory>& memory_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

std::vector<Memory> memory_before(const std::vector<FilterProcesses>& processes) {
  std::vector<Memory> memory;
  for (const auto& process : processes) memory.push_back({.before_kb = process.resident_kb()});
  return memory;
}

}  // namespace

Report run(const Load& load, const std::vector<FilterProcesses>& processes) {
  Report report;
  report.memory = memory_before(processes);
  Players players(load, report);
  if (load.warm_up > 0) players.play_all(load.warm_up, false);

  std::vector<std::chrono::nanoseconds> before;
  for (const auto& process : processes) before.push_back(process.cpu_time());
  const auto own_before = own_cpu_time();
  {
    const MemoryWatch watch(processes, report.memory);
    players.play_all(load.most_messages, true);
  }
  const double messages = std::max(1.0, static_cast<double>(report.messages));
  for (std::size_t i = 0; i < processes.size(); ++i) {
    report.cpu_us.push_back(Microseconds(processes[i].cpu_time() - before[i]).count() / messages);
    report.memory[i].after_kb = processes[i].resident_kb();
  }
  report.driver_cpu_us = Microseconds(own_cpu_time() - own_before).count() / messages;
  std::sort(report.whole_ms.begin(), report.whole_ms.end());
  std::sort(report.after_end_ms.begin(), report.after_end_ms.end());
  return report;
}

double percentile(const std::vector<double>& sorted, double percent) {
  if (sorted.empty()) return std::nan("");
  const auto rank = std::ceil(percent / 100 * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

std::vector<Memory> hold_idle(const std::string& filter, unsigned connections,
                              std::chrono::duration<double> time,
                              const std::vector<FilterProcesses>& processes) {
  const Message nobody;
  // What the first connection makes the filter load once is not each connection's.
  FilterSession(filter).greet(nobody);
  std::this_thread::sleep_for(time / 2);
  auto memory = memory_before(processes);
  std::vector<FilterSession> sessions;
  sessions.reserve(connections);
  for (unsigned i = 0; i < connections; ++i) sessions.emplace_back(filter).greet(nobody);
  std::this_thread::sleep_for(time);
  for (std::size_t i = 0; i < processes.size(); ++i)
    memory[i].after_kb = processes[i].resident_kb();
  for (auto& session : sessions) session.quit();
  return memory;
}

}  // namespace bench
