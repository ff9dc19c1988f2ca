#include "scenario.h"

#include <authmilter/zone_resolver.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

namespace bench {

const std::filesystem::path& scenario_folder() {
  static const std::filesystem::path folder = [] {
    const char* name = std::getenv("AUTHMILTER_BENCH_SCENARIO");
    if (name == nullptr)
      throw std::runtime_error("AUTHMILTER_BENCH_SCENARIO must name the scenario's folder");
    return std::filesystem::path(name);
  }();
  return folder;
}

std::string scenario_text(const std::string& file) {
  std::ifstream stream(scenario_folder() / file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + (scenario_folder() / file).string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

const authmilter::Message& scenario_message(const std::string& name) {
  static std::map<std::string, authmilter::Message> messages;
  const auto known = messages.find(name);
  if (known != messages.end()) return known->second;
  return messages
      .emplace(name, authmilter::parse_message(scenario_text("messages/" + name + ".eml")))
      .first->second;
}

authmilter::Resolver& scenario_dns() {
  static const auto resolver = authmilter::make_test_resolver(scenario_text("zone"));
  return *resolver;
}

const std::vector<std::string>& scenario_sizes() {
  static const std::vector<std::string> sizes = {"2k", "10k", "100k", "1m"};
  return sizes;
}

}  // namespace bench
