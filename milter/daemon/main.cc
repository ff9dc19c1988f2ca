#include <fmt/core.h>
#include <grp.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>

#include <authmilter/config.h>
#include <authmilter/host_name.h>
#include <authmilter/runtime.h>
#include <authmilter/secret_memory.h>

#include "process/config_warnings.h"
#include "process/daemon.h"
#include "process/hardening.h"
#include "process/signals.h"
#include "process/supervisor.h"

namespace authmilter {
namespace {

struct CommandLine {
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
  print_warnings(options, (*runtime)->config());
  const std::string& group = (*runtime)->config().milter.socket_group;
  if (!group.empty() && getgrnam(group.c_str()) == nullptr) {
    fmt::print(stderr, "{}: warning: milter.socket_group: there is no group {} on this host\n",
               options.config.string(), group);
  }
  return code(ExitCode::ok);
}

/// libmilter has one socket a process, so each of several is served by one of its own.
ExitCode run_daemon(const DaemonOptions& options, const Config& config) {
  Metrics* metrics = Metrics::make_shared();
  if (metrics == nullptr) return cannot_start(ExitCode::unavailable, {"no memory for metrics"});
  return config.milter.sockets.size() > 1 ? supervise(options, config, *metrics)
                                          : serve_alone(options, config, *metrics);
}

int run(const CommandLine& line) {
  const DaemonOptions options{line.config, host_name(), AUTHMILTER_VERSION};
  if (line.check_config) return check_config(options);
  const auto config = load_config(options.config, options.host_name);
  if (!config) return fail(ExitCode::config, config.error().message);
  if (line.print_config) {
    fmt::print("{}", print_config(*config));
    return code(ExitCode::ok);
  }
  if (running_as_root() && !line.allow_root) {
    return fail(ExitCode::usage,
                "authmilterd: needs no root and refuses to run as root; see --allow-root");
  }
  print_warnings(options, *config);
  block_signals();
  harden_process();
  return code(run_daemon(options, *config));
}

int main_of(int argc, char** argv) {
  if (!wipe_freed_memory())
    return fail(ExitCode::software, "authmilterd: OpenSSL cannot be made to wipe what it frees");
  CLI::App app("Mail authentication milter: SPF, DKIM, DMARC and signing", "authmilterd");
  CommandLine line;
  app.add_option("--config", line.config, "The configuration file")
      ->type_name("FILE")
      ->capture_default_str();
  auto* check = app.add_flag("--check-config", line.check_config,
                             "Read the configuration, its zones and keys; exit 78 if one is bad");
  app.add_flag("--print-config", line.print_config,
               "Print the effective configuration, defaults included")
      ->excludes(check);
  app.add_flag("--allow-root", line.allow_root, "Run even as root");
  app.set_version_flag("--version", "authmilterd " AUTHMILTER_VERSION, "Print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? code(ExitCode::ok) : code(ExitCode::usage);
  }
  return run(line);
}

}  // namespace
}  // namespace authmilter

int main(int argc, char** argv) {
  try {
    return authmilter::main_of(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "authmilterd: %s\n", e.what());
  } catch (...) {
    std::fputs("authmilterd: unknown exception\n", stderr);
  }
  return static_cast<int>(authmilter::ExitCode::software);
}
