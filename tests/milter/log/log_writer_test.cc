#include "log/log_writer.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

using namespace authmilter;
using namespace std::chrono_literals;

namespace {

/// A log that can be held up.
class Output {
 public:
  void put(const LogLine& line) {
    std::unique_lock lock(mutex_);
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    lines_.push_back(line);
  }
  void set_open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  void wait_for_line(std::size_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= number; });
  }
  std::vector<LogLine> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  std::size_t begun_ = 0;
  std::vector<LogLine> lines_;
};

LogLine line(std::size_t number) {
  LogLine line;
  line.text = std::to_string(number);
  return line;
}

}  // namespace

TEST_CASE("lines are written in their order") {
  const auto output = std::make_shared<Output>();
  {
    LogWriter writer([output](const LogLine& one) { output->put(one); });
    for (std::size_t i = 0; i < 100; ++i) writer.write(line(i));
  }
  const auto lines = output->lines();
  REQUIRE(lines.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) CHECK(lines[i].text == std::to_string(i));
}

TEST_CASE("a log that hangs holds nobody up, and what it has missed is counted") {
  const auto output = std::make_shared<Output>();
  LogWriter writer([output](const LogLine& one) { output->put(one); });
  output->set_open(false);
  writer.write(line(0));
  output->wait_for_line(1);
  for (std::size_t i = 0; i < LogWriter::kLines + 7; ++i) writer.write(line(i));
  CHECK_FALSE(writer.flush(10ms));
  CHECK(output->lines().empty());
  output->set_open(true);
  CHECK(writer.flush(10s));
  const auto lines = output->lines();
  REQUIRE(lines.size() == 1 + LogWriter::kLines + 1);
  CHECK(lines[LogWriter::kLines].text == std::to_string(LogWriter::kLines - 1));
  const LogLine& last = lines.back();
  CHECK(last.text == "log lines lost");
  CHECK(last.level == LogLevel::warning);
  CHECK(std::get<std::int64_t>(last.fields.at(0).value) == 7);
}

TEST_CASE("a line that hangs outlives its writer") {
  const auto output = std::make_shared<Output>();
  output->set_open(false);
  {
    LogWriter writer([output](const LogLine& one) { output->put(one); });
    writer.write(line(0));
    output->wait_for_line(1);
  }
  output->set_open(true);
}

TEST_CASE("details push no other lines out of a log that is slow") {
  const auto output = std::make_shared<Output>();
  LogWriter writer([output](const LogLine& one) { output->put(one); });
  output->set_open(false);
  writer.write(line(0));
  output->wait_for_line(1);
  LogLine detail = line(1);
  detail.level = LogLevel::debug;
  for (std::size_t i = 0; i < LogWriter::kLines; ++i) writer.write(detail);
  writer.write(line(2));
  output->set_open(true);
  CHECK(writer.flush(10s));
  const auto lines = output->lines();
  // Between them a line says how many are missing.
  REQUIRE(lines.size() == 1 + LogWriter::kDebugLines + 2);
  CHECK(lines[lines.size() - 2].text == "log lines lost");
  CHECK(lines.back().text == "2");
}
