// Plays mail to filters as an MTA does, and prints what it cost them as JSON.

#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "load.h"

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  bench::Load load;
  double seconds = 1;
  unsigned idle = 0;
  std::vector<std::string> watched;
  std::vector<std::string> files;
};

Json memory_json(const bench::Memory& memory) {
  return {
      {"before_kb", memory.before_kb}, {"most_kb", memory.most_kb}, {"after_kb", memory.after_kb}};
}

Json percentiles(const std::vector<double>& sorted) {
  if (sorted.empty()) return nullptr;
  return {{"p50", bench::percentile(sorted, 50)},
          {"p99", bench::percentile(sorted, 99)},
          {"most", sorted.back()}};
}

Json negotiated_json(const bench::Negotiated& negotiated) {
  Json macros = Json::object();
  for (std::size_t i = 0; i < negotiated.macros.size(); ++i)
    if (const auto& names = negotiated.macros.at(i)) macros[std::to_string(i)] = *names;
  return {{"version", negotiated.version},
          {"actions", negotiated.actions},
          {"steps", negotiated.steps},
          {"macros", macros}};
}

Json report_json(const bench::Report& report,
                 const std::vector<bench::FilterProcesses>& processes) {
  Json shown = Json::object();
  for (std::size_t i = 0; i < processes.size(); ++i) {
    shown[processes[i].name()] = {{"cpu_us", report.cpu_us[i]},
                                  {"user_share", processes[i].user_share()},
                                  {"memory", memory_json(report.memory[i])}};
  }
  Json verdicts = Json::object();
  for (std::size_t i = 0; i < bench::kVerdicts; ++i)
    if (report.verdicts.at(i) != 0) verdicts[bench::kVerdictNames.at(i)] = report.verdicts.at(i);
  return {{"messages", report.messages},
          {"seconds", report.time.count()},
          {"messages_per_second", static_cast<double>(report.messages) / report.time.count()},
          {"driver_cpu_us", report.driver_cpu_us},
          {"processes", shown},
          {"whole_ms", percentiles(report.whole_ms)},
          {"after_end_ms", percentiles(report.after_end_ms)},
          {"verdicts", verdicts},
          {"lacking", report.lacking},
          {"errors", report.errors}};
}

Json run(Options& options) {
  std::vector<bench::FilterProcesses> processes;
  processes.reserve(options.watched.size());
  for (const auto& text : options.watched) processes.emplace_back(text);
  options.load.time = std::chrono::duration<double>(options.seconds);
  if (options.idle > 0) {
    const auto memory =
        bench::hold_idle(options.load.filters.front(), options.idle, options.load.time, processes);
    Json shown = Json::object();
    for (std::size_t i = 0; i < processes.size(); ++i)
      shown[processes[i].name()] = memory_json(memory[i]);
    return {{"connections", options.idle}, {"processes", shown}};
  }
  if (options.files.empty())
    return negotiated_json(bench::FilterSession(options.load.filters.front()).negotiated());
  for (const auto& file : options.files) options.load.messages.push_back(bench::read_message(file));
  return report_json(bench::run(options.load, processes), processes);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  auto& load = options.load;
  CLI::App app(
      "Plays mail to filters as an MTA does, one message over each connection, and prints what it "
      "cost them as "
      "JSON. Without a message: what the filter negotiates.");
  app.add_option("--filter", load.filters, "the socket's path; several are a chain, in their order")
      ->required()
      ->allow_extra_args(false);
  app.add_option("--connections", load.connections, "at a time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "how long, at most")
      ->check(CLI::Range(0.001, 600.0))
      ->capture_default_str();
  app.add_option("--messages", load.most_messages, "how many, at most; 0: what the time allows")
      ->capture_default_str();
  app.add_option("--warm-up", load.warm_up, "messages before that do not count")
      ->capture_default_str();
  app.add_option("--rate", load.rate,
                 "messages that begin in a second, whatever the answers; 0: one after another")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--first-number", load.first_number, "of the messages that have a \"{n}\"")
      ->capture_default_str();
  app.add_option("--require", load.required, "text that an added field must have")
      ->allow_extra_args(false);
  app.add_option("--watch", options.watched, "NAME=PID,PID...: processes to measure")
      ->allow_extra_args(false);
  app.add_option("--idle", options.idle,
                 "instead: open so many connections, hold them for the time, and see the memory")
      ->check(CLI::Range(1, 10000));
  app.add_option("files", options.files, "FILE.eml, with its envelope in FILE.env")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  try {
    std::cout << run(options).dump() << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "driver: " << error.what() << '\n';
    return 1;
  }
}
