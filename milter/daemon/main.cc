#include <fmt/core.h>
#include <grp.h>

#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include <authmilter/config.h>
#include <authmilter/host_name.h>
#include <authmilter/runtime.h>
#include <authmilter/secret_memory.h>

#include "command_line/command_line.h"
#include "command_line/leave.h"
#include "process/config_warnings.h"
#include "process/daemon.h"
#include "process/hardening.h"
#include "process/signals.h"
#include "process/supervisor.h"

namespace authmilter {
namespace {

struct Arguments {
  std::string config = AUTHMILTER_CONFIG;
  bool check_config = false;
  bool print_config = false;
  bool allow_root = false;
};

int code(ExitCode exit_code) { return static_cast<int>(exit_code); }

int fail(ExitCode exit_code, const std::string& message) {
  fmt::print(stderr, "{}\n", message);
  return code(exit_code);
}

void print_warnings(const DaemonOptions& options, const Config& config) {
  for (const std::string& warning : config_warnings(config))
    fmt::print(stderr, "{}: warning: {}\n", options.config.string(), warning);
}

int check_config(const DaemonOptions& options) {
  const auto runtime = Runtime::load(options.config, options.host_name);
  if (!runtime) return fail(ExitCode::config, runtime.error().message);
  for (const std::string& fault : (*runtime)->keys().faults()) fmt::print(stderr, "{}\n", fault);
  print_warnings(options, (*runtime)->config());
  for (const SigningKey& key : (*runtime)->keys().all()) {
    if (const auto away = key.key->unavailable()) {
      fmt::print(stderr, "{}: warning: mail of {} will be deferred: {}\n", options.config.string(),
                 key.domain.text(), away->message);
    }
  }
  const std::string& group = (*runtime)->config().milter.socket_group;
  if (!group.empty() && getgrnam(group.c_str()) == nullptr) {
    fmt::print(stderr, "{}: warning: milter.socket_group: there is no group {} on this host\n",
               options.config.string(), group);
  }
  return code((*runtime)->keys().faults().empty() ? ExitCode::ok : ExitCode::config);
}

/// libmilter has one socket a process, so each of several is served by one of its own.
ExitCode run_daemon(const DaemonOptions& options, Config config) {
  Metrics* metrics = Metrics::make_shared();
  if (metrics == nullptr) return cannot_start(ExitCode::unavailable, {"no memory for metrics"});
  return config.milter.sockets.size() > 1 ? supervise(options, config, *metrics)
                                          : serve_alone(options, std::move(config), *metrics);
}

int run(const Arguments& arguments) {
  const DaemonOptions options{arguments.config, host_name(), AUTHMILTER_VERSION};
  if (arguments.check_config) return check_config(options);
  auto config = load_config(options.config, options.host_name);
  if (!config) return fail(ExitCode::config, config.error().message);
  if (arguments.print_config) {
    fmt::print("{}", print_config(*config));
    return code(ExitCode::ok);
  }
  if (running_as_root() && !arguments.allow_root) {
    return fail(ExitCode::usage,
                "authmilterd: needs no root and refuses to run as root; see --allow-root");
  }
  print_warnings(options, *config);
  block_signals();
  harden_process();
  return code(run_daemon(options, std::move(*config)));
}

int main_of(int argc, char** argv) {
  if (!wipe_freed_memory())
    return fail(ExitCode::software, "authmilterd: OpenSSL cannot be made to wipe what it frees");
  command_line::Program program("authmilterd",
                                "Mail authentication milter: SPF, DKIM, DMARC and signing");
  Arguments arguments;
  program.add_text("--config", arguments.config, "The configuration file")
      .stands_as("FILE")
      .show_default();
  const command_line::Option check =
      program.add_flag("--check-config", arguments.check_config,
                       "Read the configuration, its zones and keys; exit 78 if one is bad");
  program
      .add_flag("--print-config", arguments.print_config,
                "Print the effective configuration, defaults included")
      .excludes(check);
  program.add_flag("--allow-root", arguments.allow_root, "Run even as root");
  program.add_version("authmilterd " AUTHMILTER_VERSION, "Print the version");
  switch (program.parse(argc, argv)) {
    case command_line::Parsed::taken:
      return run(arguments);
    case command_line::Parsed::told:
      return code(ExitCode::ok);
    case command_line::Parsed::refused:
      return code(ExitCode::usage);
  }
  return code(ExitCode::software);
}

}  // namespace
}  // namespace authmilter

int main(int argc, char** argv) {
  int status = static_cast<int>(authmilter::ExitCode::software);
  try {
    status = authmilter::main_of(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "authmilterd: %s\n", e.what());
  } catch (...) {
    std::fputs("authmilterd: unknown exception\n", stderr);
  }
  return authmilter::command_line::leave(status);
}
