#pragma once

#include <authmilter/message.h>
#include <authmilter/resolver.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// The folder that tests/bench/scenario.py has made: messages, keys and a zone. Of the environment,
/// AUTHMILTER_BENCH_SCENARIO.
const std::filesystem::path& scenario_folder();
/// messages/NAME.eml, as the daemon has it of an MTA.
const authmilter::Message& scenario_message(const std::string& name);
/// The scenario's DNS, in memory: what is measured with it never waits.
authmilter::Resolver& scenario_dns();
std::string scenario_text(const std::string& file);

/// The sizes that the scenario has messages of.
const std::vector<std::string>& scenario_sizes();

}  // namespace bench
