#pragma once

#include <string>
#include <vector>

#include <authmilter/config.h>

#include "options/common_options.h"
#include "output/exit_status.h"

namespace authmilter::tools {

// What the subcommands of `authmilter key` about changing keys have in common.

struct RotationOptions {
  DnsOptions dns;
  TimeOption time;
  std::vector<std::string> domains;
  std::string domain;  // of the key that `retire` is about
  std::string selector;
  std::string type;
  std::string format;
  unsigned port = 53;
  bool quick = false;
  bool writes = false;
  bool last_of_its_kind = false;
};

/// Of a run that goes on with the other domains: the worst.
void worsen(ExitStatus& status, ExitStatus other);

/// Says what the configuration has and these subcommands do not look after.
ExitStatus say_what_is_left_out(const SigningConfig& signing);

std::string format_of(const RotationOptions& options, const CommonOptions& common,
                      const char* otherwise);

ExitStatus run_watch(const RotationOptions& options, const CommonOptions& common);
ExitStatus run_status(const RotationOptions& options, const CommonOptions& common);

}  // namespace authmilter::tools
